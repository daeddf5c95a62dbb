package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;

/** What a leader expects an entry to change is, for every history, at least what it changes when it is applied. */
class FanOutPropertiesTest {
    private static final List<String> UNITS =
            List.of("a.service", "b.service", "c.service", "d.service", "e.service", "f.service", "g.service");

    private static final List<String> MACHINES = List.of("m1", "m2", "m3", "m4");
    private static final TargetState[] TARGETS = {
        TargetState.TARGET_STATE_INACTIVE, TargetState.TARGET_STATE_LOADED, TargetState.TARGET_STATE_LAUNCHED
    };

    @Property(tries = 500)
    void noEntryChangesMoreThanWasExpected(@ForAll long seed) {
        var random = new SplittableRandom(seed);
        var registry = new Registry(10);
        var made = new AtomicInteger();
        registry.addListener(applied -> made.set(applied.changes().size()));
        for (int index = 1; index <= 40; index++) {
            var ahead = registry.speculate();
            var records = new ArrayList<Record>();
            // Mostly one record: what is counted too low shows there.
            for (int r = random.nextInt(3) == 0 ? random.nextInt(12) : 1; r > 0; r--) {
                decide(random, ahead, records, index * 100L + records.size());
            }
            // Of before there were events: they have room of their own, which would hide what is missing.
            var entry = Entries.entry(records.toArray(Record[]::new));
            registry.apply(1, index, entry);
            assertThat(ahead.mostChanges() - Chronicle.MOST_OF_AN_ENTRY - 1)
                    .as("changes of %s", entry)
                    .isGreaterThanOrEqualTo(made.get());
        }
    }

    private static void decided(Record record, Speculation ahead, List<Record> out) {
        var unused = ahead.apply(record);
        out.add(record);
    }

    private static void counted(Record record, Speculation ahead, List<Record> out) {
        ahead.count(record);
        out.add(record);
    }

    private static void decide(SplittableRandom random, Speculation ahead, List<Record> out, long sequence) {
        var name = UNITS.get(random.nextInt(UNITS.size()));
        var id = MACHINES.get(random.nextInt(MACHINES.size()));
        var target = TARGETS[random.nextInt(TARGETS.length)];
        @Nullable UnitRecord unit = ahead.read(view -> view.unit(name));
        @Nullable MachineRecord machine = ahead.read(view -> view.machine(id));
        long version = unit == null ? 0 : ahead.version(unit);
        switch (random.nextInt(9)) {
            case 0, 1 -> {
                var texts = GlobalDeparturesPropertiesTest.TEXTS;
                var text = texts.get(random.nextInt(texts.size()));
                decided(Entries.contents(text), ahead, out);
                decided(Entries.create(name, text, target, version), ahead, out);
            }
            case 2 -> {
                if (unit != null) {
                    decided(
                            random.nextBoolean()
                                    ? Entries.target(name, version, target)
                                    : Entries.destroy(name, version),
                            ahead,
                            out);
                }
            }
            case 3 -> {
                if (unit != null && unit.wanted() && !unit.global() && machine != null) {
                    decided(
                            random.nextInt(4) == 0
                                    ? Entries.unschedule(name, version)
                                    : Entries.schedule(name, version, id),
                            ahead,
                            out);
                }
            }
            case 4 -> {
                long epoch = machine == null ? 1 : machine.sessionEpoch() + 1;
                decided(Entries.open(id, epoch, Map.of("disk", random.nextBoolean() ? "ssd" : "hdd")), ahead, out);
            }
            case 5 -> {
                if (machine != null && machine.present()) {
                    decided(Entries.lost(id, machine.sessionEpoch()), ahead, out);
                } else if (machine != null
                        && ahead.read(view -> view.scheduledTo(id)).isEmpty()) {
                    decided(Entries.forgotten(id), ahead, out);
                }
            }
            case 6 -> {
                if (machine != null) {
                    decided(
                            switch (random.nextInt(3)) {
                                case 0 -> Entries.metadata(id, "disk", random.nextBoolean() ? "ssd" : "hdd");
                                case 1 -> Entries.marked(id, MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED);
                                default ->
                                    Entries.marked(
                                            id,
                                            machine.mark().kind() == MachineMarkKind.MACHINE_MARK_KIND_DRAINING
                                                    ? MachineMarkKind.MACHINE_MARK_KIND_ENDING
                                                    : MachineMarkKind.MACHINE_MARK_KIND_DRAINING);
                            },
                            ahead,
                            out);
                }
            }
            default -> {
                if (machine != null && machine.present()) {
                    report(random, name, machine, sequence, ahead, out);
                }
            }
        }
    }

    private static void report(
            SplittableRandom random,
            String name,
            MachineRecord machine,
            long sequence,
            Speculation ahead,
            List<Record> out) {
        var id = machine.id();
        long epoch = machine.sessionEpoch();
        var state = Entries.state(name, "active", random.nextBoolean());
        switch (random.nextInt(7)) {
            case 0, 1 -> counted(Entries.report(id, epoch, sequence, state), ahead, out);
            case 2 ->
                counted(
                        Entries.report(
                                id,
                                epoch,
                                sequence,
                                UNITS.stream()
                                        .map(each -> Entries.state(each, "active", random.nextBoolean()))
                                        .toArray(UnitState[]::new)),
                        ahead,
                        out);
            case 3 -> counted(Entries.gone(id, epoch, sequence, name), ahead, out);
            case 4 -> counted(Entries.whole(id, epoch, sequence), ahead, out);
            case 5 -> counted(Entries.dropOrphan(id, name), ahead, out);
            default -> decided(Entries.told(id, epoch, random.nextBoolean(), name), ahead, out);
        }
    }
}
