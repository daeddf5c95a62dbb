package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineLost;
import io.raftfleet.proto.log.MachineTold;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Few bytes may change much: what a leader writes in one entry is bounded by that, too. */
class FanOutTest {
    private static final Instant NOW = Instant.ofEpochSecond(1_800_000_000);
    /** What an entry is full with, and one item more. */
    private static final int MOST_CHANGES = 60_000;

    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    private final List<Integer> changes = new CopyOnWriteArrayList<>();
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, raft, InstantSource.fixed(NOW), new Random(7)),
            new Controller.LeadershipListener() {
                @Override
                public void leading(long term) {}

                @Override
                public void resigned(long term) {}
            },
            new NoMetrics(),
            Runnable::run);
    private int ids;

    @BeforeEach
    void lead() {
        registry.addListener(applied -> changes.add(applied.changes().size()));
        controller.start();
        controller.leaderStarted(1);
    }

    @AfterEach
    void close() {
        controller.close();
    }

    /** Machines that were replaced one after the other, and never forgotten: each has had to let go of what it had. */
    @Test
    void machinesThatHadToLetGoOfMuchAreForgottenInSeveralEntries() throws Exception {
        int machines = 40;
        int units = 4_000;
        write(units, i -> create("u" + i + ".service", "", TargetState.TARGET_STATE_INACTIVE));
        for (int m = 0; m < machines; m++) {
            var id = id(m);
            propose(
                    Record.newBuilder()
                            .setSessionOpened(
                                    SessionOpened.newBuilder().setMachineId(id).setSessionEpoch(1))
                            .build(),
                    Record.newBuilder()
                            .setMachineTold(MachineTold.newBuilder()
                                    .setMachineId(id)
                                    .setSessionEpoch(1)
                                    .addAllFound(IntStream.range(0, units)
                                            .mapToObj(i -> "u" + i + ".service")
                                            .toList()))
                            .build(),
                    Record.newBuilder()
                            .setMachineLost(
                                    MachineLost.newBuilder().setMachineId(id).setSessionEpoch(1))
                            .build());
        }
        assertThat(registry.<Integer>read(view -> view.departuresFrom(id(7)).size()))
                .isEqualTo(units);

        int before = raft.entries().size();
        write(
                machines,
                m -> MachineOrders.item(
                        MachinePatch.newBuilder()
                                .setMachineId(id(m))
                                .setOrder(MachineOrder.newBuilder().setKind(MachineOrder.Kind.KIND_FORGET))
                                .build(),
                        "user/alice"));

        assertThat(raft.entries().size() - before).isEqualTo(4);
        assertThat(registry.<Integer>read(view -> view.machines().size())).isZero();
        assertThat(changes).allMatch(made -> made < MOST_CHANGES);
    }

    @Test
    void globalUnitsOfManyMachinesGoInSeveralEntries() throws Exception {
        int machines = 2_000;
        int units = 60;
        for (int m = 0; m < machines; m++) {
            propose(Record.newBuilder()
                    .setSessionOpened(
                            SessionOpened.newBuilder().setMachineId(id(m)).setSessionEpoch(1))
                    .build());
        }
        write(
                units,
                i -> create("g" + i + ".service", "\n[X-Fleet]\nGlobal=true\n", TargetState.TARGET_STATE_LAUNCHED));

        int before = raft.entries().size();
        write(units / 2, i -> (draft, out) -> {
            draft.target(
                    Objects.requireNonNull(draft.unit("g" + i + ".service")),
                    TargetState.TARGET_STATE_INACTIVE,
                    false,
                    "user/alice",
                    out);
            return Item.OK;
        });
        write(units / 2, i -> (draft, out) -> {
            draft.destroy(Objects.requireNonNull(draft.unit("g" + (units / 2 + i) + ".service")), "user/alice", out);
            return Item.OK;
        });

        assertThat(raft.entries().size() - before).isGreaterThan(3);
        assertThat(registry.<Integer>read(view -> view.departuresFrom(id(7)).size()))
                .isEqualTo(units);
        assertThat(changes).allMatch(made -> made < MOST_CHANGES);
    }

    /** A report that says that all else is gone, and machines that are lost together. */
    @Test
    void statesOfMachinesGoInSeveralEntries() throws Exception {
        int machines = 30;
        int states = 4_000;
        for (int m = 0; m < machines; m++) {
            var report = StatesReported.newBuilder()
                    .setMachineId(id(m))
                    .setSessionEpoch(1)
                    .setSequence(1);
            for (int i = 0; i < states; i++) {
                report.addStates(
                        UnitState.newBuilder().setName("u" + i + ".service").setActiveState("active"));
            }
            propose(
                    Record.newBuilder()
                            .setSessionOpened(SessionOpened.newBuilder()
                                    .setMachineId(id(m))
                                    .setSessionEpoch(1))
                            .build(),
                    Record.newBuilder().setStatesReported(report).build());
        }
        var batch = new Batch();
        var losses = draft(batch);
        int lost = 0;
        for (; lost < machines && !batch.full(); lost++) {
            var work = new AgentWork.Silence(id(lost), 1, "silent", true);
            assertThat(work.decide(batch, losses, 1)).isTrue();
        }
        assertThat(lost).isLessThan(10);

        var emptied = new Batch();
        var draft = draft(emptied);
        int reports = 0;
        for (; reports < machines && !emptied.full(); reports++) {
            var empty = StatesReported.newBuilder()
                    .setMachineId(id(reports))
                    .setSessionEpoch(1)
                    .setSequence(2);
            IntStream.range(0, 64).forEach(empty::addWholeBuckets);
            assertThat(new AgentWork.Report(empty.build(), Urgency.NOW).decide(emptied, draft, 1))
                    .isTrue();
        }
        assertThat(reports).isLessThan(10);

        var some = new Batch();
        var ofOneBucket = draft(some);
        for (int m = 0; m < machines; m++) {
            var report = StatesReported.newBuilder()
                    .setMachineId(id(m))
                    .setSessionEpoch(1)
                    .setSequence(2)
                    .addWholeBuckets(0);
            assertThat(new AgentWork.Report(report.build(), Urgency.NOW).decide(some, ofOneBucket, 1))
                    .isTrue();
        }
        assertThat(some.full()).as("with what is in one bucket of each").isFalse();
    }

    @Test
    void whatAloneWouldChangeMoreThanAnEntryMayIsRefused() {
        var batch = new Batch();
        batch.changing(49_999, 0);
        assertThat(batch.full()).isFalse();
        batch.changing(Batch.MAX_PART_CHANGES + 7L, 7);
        assertThat(batch.full()).isTrue();
        assertThatThrownBy(() -> batch.changing(Batch.MAX_PART_CHANGES + 8L, 7))
                .isInstanceOf(Batch.TooLargeException.class)
                .hasMessageContaining("at most");
    }

    private Draft draft(Batch batch) {
        return new Draft(
                registry,
                registry.read(Draft::scheduler),
                new Budget(0, Long.MAX_VALUE),
                RaftConfig.ENTRY_FORMAT,
                batch);
    }

    private static String id(int machine) {
        return String.format("%032x", machine);
    }

    /** As if leaders had written it in the course of months. */
    private void propose(Record... records) throws Exception {
        var entry = Entry.newBuilder().setFormat(RaftConfig.ENTRY_FORMAT).setLeaderTimeMs(NOW.toEpochMilli());
        var result = raft.propose(entry.addAllRecords(List.of(records)).build(), Duration.ZERO)
                .get(10, TimeUnit.SECONDS);
        assertThat(result.dropped()).containsOnlyNulls();
    }

    private void write(int count, IntFunction<Item> item) throws Exception {
        var items = new ArrayList<Item>();
        for (int i = 0; i < count; i++) {
            items.add(item.apply(i));
        }
        var bytes = new byte[16];
        bytes[15] = (byte) ++ids;
        var id = RequestId.newBuilder()
                .setId(ByteString.copyFrom(bytes))
                .setIssuedAtMs(NOW.toEpochMilli())
                .build();
        var response = controller.write(id, 1, items).get(60, TimeUnit.SECONDS);
        assertThat(response.getResultsList()).extracting(ItemResult::getCode).containsOnly(ItemCode.ITEM_CODE_OK);
    }

    private static Item create(String name, String options, TargetState target) {
        return (draft, out) -> {
            try {
                var file = UnitFile.parse("[Service]\nExecStart=/bin/true\n" + options);
                draft.create(null, new Submission(name, file, Requirements.of(name, file), ""), target, out);
                return Item.OK;
            } catch (InvalidUnitException e) {
                throw new AssertionError(e);
            }
        };
    }
}
