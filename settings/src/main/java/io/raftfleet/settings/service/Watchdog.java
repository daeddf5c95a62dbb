package io.raftfleet.settings.service;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds the watchdog that systemd has for this service ({@code WatchdogSec=}) while its parts make progress, and says which does not.
 * It looks four times in the time that the watchdog has, so that what has stood still for three quarters of it ends the service at the
 * latest. A process that systemd does not watch is looked at as well, four times a minute, for {@code /livez} to tell. Its thread owns
 * all but what was found last.
 */
public final class Watchdog {
    private static final Logger log = LoggerFactory.getLogger("io.raftfleet.service");
    private static final int LOOKS = 4;
    private static final long UNWATCHED_MICROS = TimeUnit.MINUTES.toMicros(1);

    private final ServiceManager systemd;
    private final List<Part> parts;
    private final boolean feeds;
    private volatile List<String> stuck = List.of();

    /** What has to make progress, or rest. */
    @FunctionalInterface
    public interface Part {
        /** Looks at it, for the watchdog's thread alone; what it does is compared with the look before. Empty when all is well. */
        Optional<String> stuck();
    }

    Watchdog(ServiceManager systemd, List<Part> parts, boolean feeds) {
        this.systemd = systemd;
        this.parts = parts;
        this.feeds = feeds;
    }

    /** Looks at the parts from now on, and feeds systemd's watchdog if this process has one. */
    public static Watchdog start(ServiceManager systemd, Map<String, String> environment, List<Part> parts) {
        long patience = patience(environment, ProcessHandle.current().pid());
        long micros = patience == 0 ? UNWATCHED_MICROS : patience;
        var watchdog = new Watchdog(systemd, parts, patience != 0);
        Thread.ofPlatform().daemon().name("watchdog").start(() -> {
            while (true) {
                watchdog.look();
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(micros / LOOKS));
            }
        });
        return watchdog;
    }

    /** What made no progress when it was last looked at, for people; empty when all goes on. For any thread. */
    public List<String> stuck() {
        return stuck;
    }

    /** How long systemd waits for a sign of life of this process, in microseconds; 0 for ever. */
    static long patience(Map<String, String> environment, long pid) {
        @Nullable String owner = environment.get("WATCHDOG_PID");
        if (owner != null && !owner.equals(Long.toString(pid))) {
            return 0;
        }
        var micros = environment.getOrDefault("WATCHDOG_USEC", "");
        return micros.matches("[0-9]{1,18}") ? Long.parseLong(micros) : 0;
    }

    void look() {
        // Each is looked at each time, since each compares with the time before.
        var found =
                parts.stream().map(Watchdog::stuck).flatMap(Optional::stream).toList();
        if (found.isEmpty()) {
            if (!stuck.isEmpty()) {
                log.info("all goes on again");
            }
            if (feeds) {
                systemd.alive();
            }
        } else {
            log.error(
                    "{}: {}",
                    feeds ? "systemd's watchdog is not fed" : "something stands still",
                    String.join("; ", found));
        }
        stuck = found;
    }

    /** One that can't be looked at counts as stuck, and is looked at again. */
    private static Optional<String> stuck(Part part) {
        try {
            return part.stuck();
        } catch (RuntimeException e) {
            log.error("A part of this service can't be looked at", e);
            return Optional.of("a part of it can't be looked at: " + e);
        }
    }
}
