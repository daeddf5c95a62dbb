package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.UnitFailedException;
import io.raftfleet.client.UnitsRefusedException;
import io.raftfleet.client.WaitGoal;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What programs do with the client's units and events, on the registry in memory. */
@Timeout(60)
class ClientUnitsTest {
    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String RUNS = "[Service]\nExecStart=/bin/sleep infinity\n";
    private static final String FAILS = "[Service]\nExecStart=/bin/false\n";
    private static final String NOWHERE = RUNS + "\n[X-Fleet]\nMachineMetadata=disk=ssd\n";

    private final InMemoryCluster cluster = new InMemoryCluster();
    private FleetClient client;

    ClientUnitsTest() {
        cluster.startEngine();
        cluster.startEngine();
        cluster.addMachine(M1, "10.0.0.1", Map.of());
        client = new FleetClient(
                ClientOptions.of(Endpoint.parseList(cluster.endpoints())).withRequestTimeout(SOON));
    }

    @BeforeEach
    void begin() {
        assertThat(client.version().getEngineId()).isEqualTo("e1");
    }

    @AfterEach
    void close() {
        client.close();
        cluster.close();
    }

    @Test
    void unitsAreStartedWaitedForStoppedAndRemoved() throws Exception {
        var units = client.units();
        units.start(Map.of("a.service", RUNS, "odd\\x2d.service", RUNS));
        var up = units.awaitActive(List.of("a.service", "odd\\x2d.service"), SOON);
        assertThat(up).containsOnlyKeys("a.service", "odd\\x2d.service");
        assertThat(up.values()).extracting(UnitState::getMachineId).containsOnly(M1);

        units.stop(List.of("a.service"));
        units.await(List.of("a.service"), WaitGoal.STOPPED, SOON);
        assertThat(unit("a.service").getTargetState()).isEqualTo(TargetState.TARGET_STATE_LOADED);
        units.start(Map.of("a.service", RUNS));
        assertThat(unit("a.service").getTargetState())
                .as("launched, though its file is there")
                .isEqualTo(TargetState.TARGET_STATE_LAUNCHED);
        units.restart(List.of("a.service"));
        units.awaitActive(List.of("a.service"), SOON);
        assertThat(unit("a.service").getStartGeneration()).isEqualTo(1);
        units.unload(List.of("a.service"));
        assertThat(units.await(List.of("a.service"), WaitGoal.UNLOADED, SOON)).isEmpty();

        units.destroy(List.of("a.service"));
        assertThat(units.await(List.of("a.service"), WaitGoal.DESTROYED, SOON)).isEmpty();
        assertThat(cluster.units).containsOnlyKeys("odd\\x2d.service");
    }

    @Test
    void aWaitHearsOfWhatMachinesDoMeanwhile() throws Exception {
        cluster.hold();
        client.units().start(Map.of("a.service", RUNS));
        var up = CompletableFuture.supplyAsync(() -> {
            try {
                return client.units().awaitActive(List.of("a.service"), SOON);
            } catch (InterruptedException | TimeoutException e) {
                throw new IllegalStateException(e);
            }
        });
        Awaitility.await()
                .atMost(SOON)
                .until(() -> cluster.engines.stream().anyMatch(engine -> engine.calls.contains("Watch")));
        // Somebody gives it another file: that is the one to wait for.
        client.units().replace(Map.of("a.service", RUNS + "# new\nRestart=always\n"));
        assertThat(up).isNotDone();
        cluster.release();
        assertThat(up.get().get("a.service"))
                .isNotNull()
                .satisfies(state ->
                        assertThat(state.getHash()).isEqualTo(unit("a.service").getHash()));
    }

    @Test
    void itemsThatAreRefusedAreNamedAndTheOthersStand() {
        client.units().start(Map.of("a.service", RUNS));
        assertThatThrownBy(() -> client.units().start(Map.of("a.service", FAILS, "b.service", RUNS)))
                .isInstanceOfSatisfying(UnitsRefusedException.class, e -> {
                    assertThat(e).hasMessage("1 of 2 refused: unit a.service exists with other contents");
                    assertThat(e.outcome().refused())
                            .hasSize(1)
                            .allSatisfy(result ->
                                    assertThat(result.getCode()).isEqualTo(ItemCode.ITEM_CODE_ALREADY_EXISTS));
                });
        assertThat(cluster.units).containsOnlyKeys("a.service", "b.service");
    }

    @Test
    void aUnitThatCantGetThereEndsTheWaitAtOnce() {
        client.units().start(Map.of("bad.service", FAILS, "nowhere.service", NOWHERE));
        assertThatThrownBy(() -> client.units().awaitActive(List.of("bad.service", "nowhere.service"), SOON))
                .isInstanceOfSatisfying(
                        UnitFailedException.class, e -> assertThat(e.unit()).isEqualTo("bad.service"))
                .hasMessage("unit bad.service: on machine " + M1
                        + ": failed (failed): its main process exited with status 1");
        assertThatThrownBy(() -> client.units().awaitActive(List.of("none.service"), SOON))
                .isInstanceOf(UnitFailedException.class)
                .hasMessageContaining("unit none.service: there is no such unit");
        client.units().stop(List.of("bad.service"));
        assertThatThrownBy(() -> client.units().awaitActive(List.of("bad.service"), SOON))
                .isInstanceOf(UnitFailedException.class)
                .hasMessageContaining("no more than loaded: it was ordered elsewhere");
    }

    @Test
    void aUnitThatIsLaunchedAgainEndsTheWaitForItsStop() {
        client.units().start(Map.of("a.service", RUNS));
        cluster.hold();
        client.units().stop(List.of("a.service"));
        long before = watches();
        var stopped = CompletableFuture.supplyAsync(() -> {
            try {
                return client.units().await(List.of("a.service"), WaitGoal.STOPPED, SOON);
            } catch (InterruptedException | TimeoutException e) {
                throw new IllegalStateException(e);
            }
        });
        Awaitility.await().atMost(SOON).until(() -> watches() > before);
        client.units().launch(List.of("a.service"));
        assertThatThrownBy(stopped::join)
                .hasCauseInstanceOf(UnitFailedException.class)
                .hasMessageContaining("unit a.service: it is to be launched now: it was ordered elsewhere");
    }

    private long watches() {
        return cluster.engines.stream()
                .flatMap(engine -> engine.calls.stream())
                .filter("Watch"::equals)
                .count();
    }

    @Test
    void aWaitThatIsOverSaysWhoIsMissingAndWhy() {
        client.units().start(Map.of("nowhere.service", NOWHERE));
        assertThatThrownBy(() -> client.units().awaitActive(List.of("nowhere.service"), Duration.ofMillis(50)))
                .isInstanceOf(TimeoutException.class)
                .hasMessage("1 of 1 units are not launched after PT0.05S: nowhere.service"
                        + " (metadata disk=ssd: 0 of 1 machines)");
    }

    @Test
    void globalUnitsHaveNoOneStateToWaitFor() {
        client.units().start(Map.of("g.service", RUNS + "\n[X-Fleet]\nGlobal=true\n"));
        assertThatThrownBy(() -> client.units().awaitActive(List.of("g.service"), SOON))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("g.service is global");
    }

    @SuppressWarnings("try") // A stream that was closed goes on when it is asked again.
    @Test
    void eventsComeOnceEachOverACompactionAndGoOnFromARevision() throws Exception {
        happen("a.service", "first");
        happen("b.service", "of another");
        var seen = new ArrayList<String>();
        var request = ListEventsRequest.newBuilder().addNames("a.service").build();
        io.raftfleet.proto.model.Revision left;
        try (var events = client.events(request)) {
            read(events.next(SOON), seen);
            assertThat(seen).containsExactly("first");
            happen("a.service", "second");
            read(events.next(SOON), seen);
            // Cut off, and behind what watches resume from.
            events.close();
            happen("a.service", "third");
            cluster.compacted = cluster.events.size();
            happen("a.service", "fourth");
            while (seen.size() < 4) {
                read(events.next(SOON), seen);
            }
            assertThat(events.next(Duration.ofMillis(10))).isEmpty();
            assertThat(events.gap()).isFalse();
            left = events.revision();
        }
        assertThat(seen).containsExactly("first", "second", "third", "fourth");
        happen("a.service", "fifth");
        try (var events = client.events(request.toBuilder().setAfter(left).build())) {
            read(events.next(SOON), seen);
        }
        assertThat(seen).endsWith("fourth", "fifth");
    }

    private Unit unit(String name) {
        return Objects.requireNonNull(cluster.units.get(name));
    }

    private static void read(List<Event> events, List<String> seen) {
        events.forEach(event -> seen.add(event.getMessage()));
    }

    private void happen(String unit, String message) {
        cluster.happen(
                Event.newBuilder().setUnit(unit).setMessage(message).setTimes(1).setTimeMs(1));
    }
}
