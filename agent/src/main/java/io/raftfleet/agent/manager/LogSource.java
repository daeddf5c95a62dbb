package io.raftfleet.agent.manager;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

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

    /** This, with {@link #contents} from a manager's files. */
    default LogSource with(UnitManager manager) {
        var logs = this;
        return new LogSource() {
            @Override
            public InputStream journal(String unit, int lines, boolean follow, String output) throws IOException {
                return logs.journal(unit, lines, follow, output);
            }

            @Override
            public InputStream status(String unit) throws IOException {
                return logs.status(unit);
            }

            @Override
            public InputStream contents(String unit) throws IOException {
                var file = manager.installed().get(unit);
                if (file == null) {
                    throw new IOException("this machine has no unit " + unit);
                }
                return new ByteArrayInputStream(file.text().getBytes(StandardCharsets.UTF_8));
            }
        };
    }

    /** The file of a unit that is in place. */
    default InputStream contents(String unit) throws IOException {
        throw new IOException("no files are kept with these logs, so not that of " + unit);
    }
}
