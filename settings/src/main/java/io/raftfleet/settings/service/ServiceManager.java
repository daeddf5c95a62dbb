package io.raftfleet.settings.service;

import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The systemd that runs this process as a service of {@code Type=notify}; nobody, where none does. What can't be told is logged, and
 * all goes on: systemd acts on silence. Safe for use by any thread.
 */
public final class ServiceManager {
    private static final Logger log = LoggerFactory.getLogger("io.raftfleet.service");

    private final @Nullable NotifySocket socket;

    private ServiceManager(@Nullable NotifySocket socket) {
        this.socket = socket;
    }

    /** As {@code NOTIFY_SOCKET} says. */
    public static ServiceManager of(Map<String, String> environment) {
        var path = environment.getOrDefault("NOTIFY_SOCKET", "");
        if (path.isEmpty()) {
            return new ServiceManager(null);
        }
        try {
            return new ServiceManager(new NotifySocket(path));
        } catch (IllegalArgumentException e) {
            log.warn("{}: systemd is told nothing", e.getMessage());
            return new ServiceManager(null);
        }
    }

    /** The service does its work from now on. */
    public void ready() {
        tell("READY=1");
    }

    /** The service ends, as it was told to or by itself. */
    public void stopping() {
        tell("STOPPING=1");
    }

    /** The service still works, for {@code WatchdogSec=}. */
    void alive() {
        tell("WATCHDOG=1");
    }

    private void tell(String state) {
        var listening = socket;
        if (listening == null) {
            return;
        }
        try {
            listening.send(state);
        } catch (IOException e) {
            log.warn("systemd could not be told {}: {}", state, e.getMessage());
        }
    }
}
