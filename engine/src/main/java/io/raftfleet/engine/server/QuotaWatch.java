package io.raftfleet.engine.server;

import io.raftfleet.state.Registry;
import io.raftfleet.unit.tasks.Ticker;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says in the log when the registry comes near its quota, once, and when it is well below it again. Runs on the engine's timer. */
final class QuotaWatch {
    /** Percent of the quota from which on it is near. */
    static final int HIGH = 80;
    /** Percent of the quota below which all is well again. */
    static final int LOW = 70;

    private static final Logger log = LoggerFactory.getLogger(QuotaWatch.class);
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final String engineId;
    private final Registry registry;
    private final LongSupplier quota;
    private boolean near;

    /** @param quota bytes of the heap that the registry may take, now */
    QuotaWatch(String engineId, Registry registry, LongSupplier quota) {
        this.engineId = engineId;
        this.registry = registry;
        this.quota = quota;
    }

    void start(Ticker ticker) {
        ticker.every(EVERY, this::look);
    }

    /** Looks once. Returns whether the quota is near. */
    boolean look() {
        var use = registry.read(view -> view.memory());
        long allowed = quota.getAsLong();
        double percent = 100.0 * use.held() / allowed;
        if (!near && percent >= HIGH) {
            near = true;
            log.warn(
                    "engine {}: the registry takes {} of the {} bytes of memory that it may: beyond them new units and larger"
                            + " contents are refused; destroy units, or give all engines more memory or a larger"
                            + " registry_quota. It is made of {}",
                    engineId,
                    use.held(),
                    allowed,
                    use);
        } else if (near && percent < LOW) {
            near = false;
            log.info("engine {}: the registry takes {} of {} bytes again", engineId, use.held(), allowed);
        }
        return near;
    }
}
