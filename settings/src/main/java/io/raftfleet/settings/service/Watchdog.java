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
 * latest. Its thread owns all.
 */
public final class Watchdog {
    private static final Logger log = LoggerFactory.getLogger("io.raftfleet.service");
    private static final int LOOKS = 4;

    private final ServiceManager systemd;
    private final List<Part> parts;
    private boolean fed = true;

    /** What has to make progress, or rest. */
    @FunctionalInterface
    public interface Part {
        /** Looks at it, for the watchdog's thread alone; what it does is compared with the look before. Empty when all is well. */
        Optional<String> stuck();
    }

    Watchdog(ServiceManager systemd, List<Part> parts) {
        this.systemd = systemd;
        this.parts = parts;
    }

    /** Feeds systemd's watchdog from now on, if this process has one. */
    public static void start(ServiceManager systemd, Map<String, String> environment, List<Part> parts) {
        long micros = patience(environment, ProcessHandle.current().pid());
        if (micros == 0) {
            return;
        }
        var watchdog = new Watchdog(systemd, parts);
        Thread.ofPlatform().daemon().name("watchdog").start(() -> {
            while (true) {
                watchdog.look();
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(micros / LOOKS));
            }
        });
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
        var stuck =
                parts.stream().map(Watchdog::stuck).flatMap(Optional::stream).toList();
        if (stuck.isEmpty()) {
            if (!fed) {
                log.info("all goes on again");
            }
            systemd.alive();
        } else {
            log.error("systemd's watchdog is not fed: {}", String.join("; ", stuck));
        }
        fed = stuck.isEmpty();
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
