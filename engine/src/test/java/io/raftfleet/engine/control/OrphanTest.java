package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.StatusRuntimeException;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A unit that a machine runs, and the registry does not know, is not made a second time beside that. */
class OrphanTest {
    private static final InstantSource CLOCK = InstantSource.fixed(Instant.ofEpochSecond(1_800_000_000));
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final String FILE = "[Service]\nExecStart=/bin/true\n";
    private static final String ONE = "1".repeat(32);
    private static final String OTHER = "2".repeat(32);

    private final Registry registry = new Registry(1000);
    private final Terms terms = new Terms();
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, new MemoryLog(registry), CLOCK, new Random(7)),
            terms,
            new NoMetrics(),
            Runnable::run,
            () -> Long.MAX_VALUE,
            null);
    private final LocalWrites writes = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING);
    private final Map<String, Long> epochs = new HashMap<>();
    private int requests;

    @BeforeEach
    void lead() throws Exception {
        controller.start();
        controller.leaderStarted(1);
        assertThat(terms.next()).isEqualTo(1);
        for (var machine : List.of(ONE, OTHER)) {
            var opened = SessionOpened.newBuilder().setMachineId(machine).build();
            epochs.put(machine, get(controller.openSession(opened)));
        }
    }

    @AfterEach
    void close() {
        controller.close();
    }

    @Test
    void aUnitIsNotMadeBesideAnOrphanOfItsName() throws Exception {
        report(ONE, 1, "a.service");
        var refused = create(FILE);
        assertThat(refused.getCode()).isEqualTo(ItemCode.ITEM_CODE_REFUSED);
        assertThat(refused.getMessage())
                .contains("a.service", ONE, "twice", "fleetctl cluster adopt", "fleetctl cluster drop");

        get(controller.dropOrphan(ONE, "a.service"));
        assertThat(create(FILE).getCode())
                .as("one that has to go is waited for")
                .isEqualTo(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void oneThatEndedThereIsNoneAnyMore() throws Exception {
        report(ONE, 1, "a.service");
        get(controller.report(
                StatesReported.newBuilder()
                        .setMachineId(ONE)
                        .setSessionEpoch(epoch(ONE))
                        .setSequence(2)
                        .addGone("a.service")
                        .build(),
                Urgency.SOON));
        assertThat(create(FILE).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void aUnitThatIsDestroyedCanBeMadeAgainBeforeItsMachineIsDone() throws Exception {
        assertThat(create(FILE).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        report(ONE, 1, "a.service");
        get(writes.destroyUnits(
                DestroyUnitsRequest.newBuilder()
                        .setRequestId(id())
                        .addNames("a.service")
                        .build(),
                LIMIT));
        assertThat(create(FILE).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void aGlobalUnitTakesItsOrphansOver() throws Exception {
        report(ONE, 1, "a.service");
        report(OTHER, 1, "a.service");
        assertThat(create(FILE + "[X-Fleet]\nGlobal=true\n").getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void ofTwoOrphansOfANameOneHasToGoBeforeTheOtherIsAdopted() throws Exception {
        report(ONE, 1, "a.service");
        report(OTHER, 1, "a.service");
        var both = adopt(ONE);
        assertThatThrownBy(() -> get(both))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContainingAll("FAILED_PRECONDITION", OTHER, "twice");
        get(controller.dropOrphan(OTHER, "a.service"));
        get(adopt(ONE));
        var unit = registry.read(view -> view.unit("a.service"));
        assertThat(unit).isNotNull();
        assertThat(unit.machineId()).isEqualTo(ONE);
    }

    private CompletableFuture<Void> adopt(String machine) throws Exception {
        var file = UnitFile.parse(FILE);
        return controller.adoptOrphan(
                machine,
                new Submission("a.service", file, Requirements.of("a.service", file), ""),
                TargetState.TARGET_STATE_LAUNCHED);
    }

    private ItemResult create(String text) throws Exception {
        return get(writes.createUnits(
                        CreateUnitsRequest.newBuilder()
                                .setRequestId(id())
                                .addUnits(NewUnit.newBuilder()
                                        .setName("a.service")
                                        .setText(text)
                                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                                .build(),
                        LIMIT))
                .getResults(0);
    }

    private void report(String machine, long sequence, String unit) throws Exception {
        get(controller.report(
                StatesReported.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(epoch(machine))
                        .setSequence(sequence)
                        .addStates(UnitState.newBuilder()
                                .setName(unit)
                                .setHash(UnitHash.ofText(FILE).toByteString())
                                .setActiveState("active"))
                        .build(),
                Urgency.SOON));
    }

    private long epoch(String machine) {
        return Objects.requireNonNull(epochs.get(machine));
    }

    private RequestId id() {
        var bytes = new byte[16];
        bytes[15] = (byte) ++requests;
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(bytes))
                .setIssuedAtMs(CLOCK.millis())
                .build();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(10, TimeUnit.SECONDS);
    }
}
