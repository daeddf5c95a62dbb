package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.engine.schedule.Decision;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The scheduler of an engine that follows, on a registry without a log. What it decides then: {@link SchedulerOracleTest}. */
class StandbyTest {
    private static final String M1 = "1".repeat(32);
    private static final String M2 = "2".repeat(32);

    private final Registry registry = new Registry(100);
    private final AtomicInteger stirred = new AtomicInteger();
    private final Standby standby = new Standby(registry, stirred::incrementAndGet);
    private Scheduler leaders = new Scheduler();
    private long index;

    @BeforeEach
    void begin() {
        registry.addListener(standby);
        commit(List.of(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(1))
                .build()));
        joins(M1);
    }

    @Test
    @DisplayName("has nothing to look at when it takes over units that are where they should be")
    void nothingIsLookedAtTwice() {
        submit("before.service");
        followed();
        submit(IntStream.range(0, 2_000).mapToObj(i -> "u" + i + ".service").toArray(String[]::new));
        followed();

        var scheduler = standby.takeOver();

        assertThat(scheduler.hasWork()).isFalse();
        assertThat(scheduler.explain("u7.service")).isEmpty();
        scheduler.removeUnit("u7.service");
        assertThat(scheduler.decide(10)).isEmpty();
    }

    @Test
    @DisplayName("decides on what the leader did not: units of a machine that was lost, and those that wait")
    void decidesWhatIsLeft() {
        joins(M2);
        submit("a.service", "b.service");
        followed();
        leaders = new Scheduler(); // Of a leader that decides nothing more.
        var draft = draft();
        var lost = Objects.requireNonNull(draft.lose(Objects.requireNonNull(draft.machine(M2)), "silent", true, 0));
        commit(List.of(lost));
        submitUndecided("c.service");
        followed();

        var scheduler = standby.takeOver();

        var decided = new ArrayList<String>();
        while (scheduler.hasWork()) {
            scheduler
                    .decide(100)
                    .forEach(decision -> decided.add(
                            decision.unit() + " " + (decision instanceof Decision.Schedule to ? to.machineId() : "")));
        }
        var moved = registry.read(applied ->
                M2.equals(Objects.requireNonNull(applied.unit("a.service")).machineId()) ? "a.service" : "b.service");
        assertThat(decided).containsExactly(moved + " " + M1, "c.service " + M1);
    }

    @Test
    @DisplayName("knows of what was applied since it last caught up, and before it began")
    void knowsAllThatIsApplied() {
        submit("a.service");
        followed();
        submit("b.service");

        assertThat(standby.takeOver().circle("c.service", wants("c.service", "Replaces=b.service")))
                .isEmpty();
        submitUndecided("unheard.service"); // Nothing is kept while it leads.

        assertThat(standby.takeOver().decide(10))
                .containsExactly(
                        new Decision.Schedule("unheard.service", M1, "target state launched and unit not scheduled"));
    }

    @Test
    @DisplayName("is made anew when the registry is replaced")
    void restored() {
        submit("gone.service");
        followed();
        int before = stirred.get();
        registry.restore(1, 1, Collections.emptyIterator());

        assertThat(stirred.get()).isGreaterThan(before);
        var scheduler = standby.takeOver();
        scheduler.putUnit(
                "new.service", wants("new.service", "MachineOf=gone.service"), TargetState.TARGET_STATE_LAUNCHED, null);
        assertThat(scheduler.decide(10)).isEmpty();
        assertThat(scheduler.explain("new.service").getFirst().getMessage()).isEqualTo("no machine is present");
    }

    @Test
    @DisplayName("is stirred once for all that comes before it looks")
    void stirredOnce() {
        followed();
        int before = stirred.get();
        submit("a.service");
        submit("b.service");

        assertThat(stirred.get()).isEqualTo(before + 1);
    }

    private void followed() {
        while (standby.catchUp()) {
            // On to the next.
        }
    }

    private Draft draft() {
        return new Draft(registry, leaders, new Budget(0, Long.MAX_VALUE), RaftConfig.ENTRY_FORMAT, new Batch());
    }

    private void joins(String id) {
        commit(List.of(draft().open(SessionOpened.newBuilder()
                .setMachineId(id)
                .setSessionEpoch(1)
                .build())));
    }

    private void submit(String... names) {
        var draft = draft();
        var records = submitted(draft, names);
        while (leaders.hasWork()) {
            leaders.decide(1_000).forEach(decision -> records.add(draft.schedule(decision)));
        }
        commit(records);
    }

    private void submitUndecided(String name) {
        commit(submitted(draft(), name));
    }

    private static List<Record> submitted(Draft draft, String... names) {
        var records = new ArrayList<Record>();
        for (var name : names) {
            var request = CreateUnitsRequest.newBuilder()
                    .addUnits(NewUnit.newBuilder()
                            .setName(name)
                            .setText("[Service]\nExecStart=/bin/true\n")
                            .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                    .build();
            Items.of(request, "").getFirst().decide(draft, records);
        }
        return records;
    }

    private static Requirements wants(String name, String line) {
        try {
            return Requirements.of(name, UnitFile.parse("[Service]\nExecStart=/bin/true\n[X-Fleet]\n" + line + "\n"));
        } catch (InvalidUnitException e) {
            throw new AssertionError(e);
        }
    }

    private void commit(List<Record> records) {
        var entry = Entry.newBuilder()
                .setFormat(EntryFormats.needed(records))
                .addAllRecords(records)
                .build();
        assertThat(registry.apply(1, ++index, entry).dropped()).allMatch(Objects::isNull);
    }
}
