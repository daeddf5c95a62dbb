package io.raftfleet.agent.manager;

import java.io.IOException;
import java.io.InputStream;

/** Where the logs and the human-readable status of a machine's units come from. */
public interface LogSource {
    /**
     * A unit's journal. The stream ends after the last line, or never with {@code follow}; closing it stops the reading.
     *
     * @param lines how many of the last lines
     * @param output as {@code journalctl --output} has it
     */
    InputStream journal(String unit, int lines, boolean follow, String output) throws IOException;

    /** What {@code systemctl status} prints of the unit. */
    InputStream status(String unit) throws IOException;
}
