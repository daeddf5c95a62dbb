package io.raftfleet.engine.server;

import io.grpc.BindableService;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.raftfleet.unit.tasks.Ticker;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * gRPC's own health service, {@code grpc.health.v1.Health}, for load balancers and probes: the engine as a whole, which is the empty
 * name, is {@code SERVING} while it is ready as {@code /readyz} has it. Looked at once a second, so that a change is told that much
 * later; {@code Watch} hears of it then.
 */
final class GrpcHealth {
    private static final Logger log = LoggerFactory.getLogger(GrpcHealth.class);
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final HealthStatusManager told = new HealthStatusManager();
    private final BooleanSupplier ready;
    /** Whether the last look failed: that is said once. Of the timer's thread. */
    private boolean failed;

    /** @param ready whether the engine can answer for the cluster; asked on the timer */
    GrpcHealth(BooleanSupplier ready) {
        this.ready = ready;
        told.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.NOT_SERVING);
    }

    BindableService service() {
        return told.getHealthService();
    }

    void start(Ticker ticker) {
        ticker.every(EVERY, this::look);
    }

    /** Looks once; who watches hears of what has changed. An engine that can't be asked does not serve. On the timer alone. */
    void look() {
        try {
            tell(ready.getAsBoolean());
            failed = false;
        } catch (RuntimeException defect) {
            if (!failed) {
                log.error("whether the engine is ready can't be told over gRPC", defect);
                failed = true;
            }
            tell(false);
        }
    }

    private void tell(boolean serves) {
        told.setStatus(
                HealthStatusManager.SERVICE_NAME_ALL_SERVICES,
                serves ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
    }

    /** Not serving any more, for good. */
    void end() {
        told.enterTerminalState();
    }
}
