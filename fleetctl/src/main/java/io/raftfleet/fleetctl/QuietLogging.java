package io.raftfleet.fleetctl;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.logging.LogManager;

/**
 * Configures {@code java.util.logging}, once somebody logs for the first time, to say nothing; named by the system property
 * {@code java.util.logging.config.class}. A command that asks no engine never gets so far, and need not wait for it.
 */
public final class QuietLogging {
    /** Called by {@link LogManager}. */
    public QuietLogging() throws IOException {
        LogManager.getLogManager()
                .readConfiguration(new ByteArrayInputStream(".level=OFF\n".getBytes(StandardCharsets.UTF_8)));
    }
}
