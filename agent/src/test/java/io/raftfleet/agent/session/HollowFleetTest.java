package io.raftfleet.agent.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.agent.main.HollowMachines;
import io.raftfleet.agent.main.Machine;
import io.raftfleet.agent.main.Shared;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitFile;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;

/** Five hundred machines in this process, on a handful of threads, through a leader change. */
class HollowFleetTest {
    private static final int MACHINES = 500;
    private static final int UNITS = 4;

    private final TestRegistry registry = new TestRegistry();

    private static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(20));
    }

    @Test
    void manyMachinesShareAProcessAndFollowTheLeaderTogether() throws Exception {
        UnitFile file = registry.store("[Service]\nExecStart=/bin/a\n");
        for (int number = 1; number <= MACHINES; number++) {
            for (int unit = 0; unit < UNITS; unit++) {
                registry.assign(
                        HollowMachines.machineId("s", number),
                        "u" + number + "-" + unit + ".service",
                        file,
                        TargetState.TARGET_STATE_LAUNCHED,
                        1);
            }
        }
        try (TestEngine first = new TestEngine(registry, true, 1);
                TestEngine second = new TestEngine(registry, false, 1);
                DialedChannels channels = new DialedChannels(Optional.empty());
                Shared shared = new Shared(channels, List.of(first.address(), second.address()), 2)) {
            List<Machine> machines = HollowMachines.create(
                    shared,
                    MACHINES,
                    "s",
                    new SessionConfig("", "127.0.0.1", Map.of(), "test", 1, SessionConfig.Limits.DEFAULT),
                    reason -> {
                        throw new AssertionError(reason);
                    });
            machines.forEach(Machine::start);
            soon().until(this::allLaunched);
            // The others are the test's own servers'.
            assertThat(Thread.getAllStackTraces().keySet())
                    .filteredOn(thread -> thread.getName().startsWith("machine-"))
                    .hasSizeLessThanOrEqualTo(2);
            assertThat(Thread.activeCount()).isLessThan(MACHINES / 2);
            assertThat(first.fetchCounts().values())
                    .as("shared contents, once a process")
                    .containsExactly(1);
            assertThat(registry.hellos(HollowMachines.machineId("s", 7)).get(0).getMetadataMap())
                    .containsEntry("host", "h7");
            int finds = second.finds.get();

            second.term = 2;
            second.leading = true;
            first.stepDown();
            soon().until(() -> second.sessions.size() == MACHINES);
            assertThat(second.finds.get() - finds).as("machines ask together").isLessThan(MACHINES);
            assertThat(second.fetches).isEmpty();

            CompletableFuture<?>[] ends = machines.stream().map(Machine::stop).toArray(CompletableFuture<?>[]::new);
            CompletableFuture.allOf(ends).get(30, TimeUnit.SECONDS);
            assertThat(second.violations).isEmpty();
            assertThat(first.violations).isEmpty();
        }
    }

    private boolean allLaunched() {
        for (int number = 1; number <= MACHINES; number++) {
            Map<String, io.raftfleet.proto.model.UnitState> states =
                    registry.states(HollowMachines.machineId("s", number));
            if (states.size() < UNITS
                    || !states.values().stream()
                            .allMatch(state -> state.getLaunched()
                                    && state.getActiveState().equals("active"))) {
                return false;
            }
        }
        return true;
    }
}
