package io.raftfleet.chaos;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * Gives a suite its cluster. Suites that name the same one share it, for it takes seconds to start; it ends with the last of
 * them. After each test everything that the test stopped runs again and its units are gone. A test that fails has the ends
 * of all logs in its message.
 */
final class ClusterExtension implements BeforeAllCallback, AfterEachCallback, TestExecutionExceptionHandler {
    private static final Duration READY = Duration.ofSeconds(60);

    private final String name;
    private final Supplier<ClusterOptions> options;
    private @Nullable Cluster cluster;

    private ClusterExtension(String name, Supplier<ClusterOptions> options) {
        this.name = name;
        this.options = options;
    }

    /** Three engines, and one process that is four machines in memory. */
    static ClusterExtension hollow() {
        return new ClusterExtension("hollow", () -> ClusterOptions.of("hollow").with(AgentSpec.hollow("hollow", 4)));
    }

    /** Three engines, and three machines with a systemd each; in memory on a host that can't run those. */
    static ClusterExtension machines() {
        return new ClusterExtension(
                "machines", () -> ClusterOptions.of("machines").withMachines(3));
    }

    /** A cluster for this suite alone. */
    static ClusterExtension own(ClusterOptions options) {
        return new ClusterExtension(options.name(), () -> options);
    }

    Cluster cluster() {
        return Objects.requireNonNull(cluster, "the cluster is there from before the first test");
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        var store = context.getRoot().getStore(ExtensionContext.Namespace.create(ClusterExtension.class));
        cluster = store.computeIfAbsent(name, key -> Cluster.start(options.get()), Cluster.class);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        var running = cluster();
        running.engines().stream().filter(engine -> !engine.daemon().running()).forEach(engine -> engine.start());
        running.agents().stream().filter(agent -> !agent.daemon().running()).forEach(agent -> agent.start());
        running.awaitReady(READY);
        Ops.destroyAll(running);
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        var logs = new Throwable(cluster().logTails());
        logs.setStackTrace(new StackTraceElement[0]);
        failure.addSuppressed(logs);
        throw failure;
    }
}
