package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;

/**
 * What a leader speculates on while it decides an entry is what every engine has once it has applied that entry, and a registry
 * that came to be by decisions is what its log gives when it is replayed.
 */
class SpeculationPropertiesTest {
    private static final List<String> UNITS =
            List.of("a.service", "b.service", "c@1.service", "g.service", "t@.service");
    private static final List<String> MACHINES =
            List.of("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    private static final List<String> TEXTS = List.of(
            "[Service]\nExecStart=/bin/true\n",
            "[Service]\nExecStart=/bin/false\n",
            "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nGlobal=true\nMachineMetadata=disk=ssd\n",
            "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nConflicts=%p*\n",
            "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nMachineOf=a.service\n");
    private static final TargetState[] TARGETS = {
        TargetState.TARGET_STATE_INACTIVE, TargetState.TARGET_STATE_LOADED, TargetState.TARGET_STATE_LAUNCHED
    };

    @Property(tries = 3000)
    void decidedIsApplied(@ForAll long seed) throws Exception {
        var random = new SplittableRandom(seed);
        var registry = new Registry(100);
        var replayed = new Registry(100);
        var scheduler = new Scheduler();
        for (int index = 1; index <= 8; index++) {
            boolean withFacts = random.nextBoolean();
            var draft = new Draft(
                    registry,
                    scheduler,
                    new Budget(0, Long.MAX_VALUE),
                    withFacts ? RaftConfig.ENTRY_FORMAT : 2,
                    new Batch());
            var records = new ArrayList<Record>();
            for (int i = random.nextInt(1, 6); i > 0; i--) {
                decide(random, draft, records);
            }
            scheduler.decide(100).forEach(decision -> records.add(draft.schedule(decision)));
            var units = new ArrayList<@Nullable UnitRecord>();
            UNITS.forEach(name -> units.add(draft.unit(name)));
            var machines = new ArrayList<@Nullable MachineRecord>();
            MACHINES.forEach(id -> machines.add(draft.machine(id)));
            var texts = new ArrayList<@Nullable String>();
            TEXTS.forEach(text -> texts.add(draft.contents(UnitHash.ofText(text))));

            var entry = Entry.newBuilder()
                    .setFormat(EntryFormats.needed(records))
                    .addAllRecords(records)
                    .build();
            assertThat(registry.digest())
                    .as("deciding changes nothing that is applied")
                    .isEqualTo(replayed.digest());
            assertThat(registry.apply(1, index, entry).dropped()).allMatch(Objects::isNull);
            var unused = replayed.apply(1, index, Entry.parseFrom(entry.toByteArray()));
            assertThat(replayed.digest()).isEqualTo(registry.digest());

            for (int i = 0; i < UNITS.size(); i++) {
                var name = UNITS.get(i);
                assertThat(facts(registry.<@Nullable UnitRecord>read(view -> view.unit(name))))
                        .isEqualTo(facts(units.get(i)));
            }
            for (int i = 0; i < TEXTS.size(); i++) {
                var hash = UnitHash.ofText(TEXTS.get(i));
                assertThat(registry.<@Nullable String>read(view -> view.contents(hash)))
                        .isEqualTo(texts.get(i));
            }
            for (int i = 0; i < MACHINES.size(); i++) {
                var id = MACHINES.get(i);
                assertThat(facts(registry.<@Nullable MachineRecord>read(view -> view.machine(id))))
                        .isEqualTo(facts(machines.get(i)));
            }
        }
    }

    private static void decide(SplittableRandom random, Draft draft, List<Record> out) throws InvalidUnitException {
        var name = UNITS.get(random.nextInt(UNITS.size()));
        var id = MACHINES.get(random.nextInt(MACHINES.size()));
        var target = TARGETS[random.nextInt(TARGETS.length)];
        var unit = draft.unit(name);
        var machine = draft.machine(id);
        switch (random.nextInt(8)) {
            case 0, 1, 2 -> {
                var file = UnitFile.parse(TEXTS.get(random.nextInt(TEXTS.size())));
                if (unit == null || !unit.hash().equals(file.hash())) {
                    var wanted = Templates.isTemplate(name) ? TargetState.TARGET_STATE_INACTIVE : target;
                    draft.create(
                            unit,
                            new Submission(name, file, source(random, file), Requirements.of(name, file), "user/alice"),
                            wanted,
                            out);
                } else if (draft.differs(unit, source(random, file))) {
                    draft.replaceSource(unit, source(random, file), "user/bob", out);
                }
            }
            case 3 -> {
                if (unit != null && !Templates.isTemplate(name)) {
                    boolean again = target == TargetState.TARGET_STATE_LAUNCHED && random.nextBoolean();
                    draft.target(unit, target, again, "user/carol", out);
                }
            }
            case 4 -> {
                if (unit != null) {
                    draft.destroy(unit, "user/carol", out);
                }
            }
            case 5 -> {
                long epoch = machine == null ? 1 : machine.sessionEpoch() + 1;
                out.add(draft.open(SessionOpened.newBuilder()
                        .setMachineId(id)
                        .setSessionEpoch(epoch)
                        .putAllMetadata(Map.of("disk", random.nextBoolean() ? "ssd" : "hdd"))
                        .build()));
            }
            case 6 -> {
                if (machine != null && machine.present()) {
                    var lost = draft.lose(machine, "silent", random.nextBoolean(), 1);
                    if (lost != null) {
                        out.add(lost);
                    }
                } else if (machine != null && machine.fenced()) {
                    out.add(draft.fenceOver(machine));
                }
            }
            default -> {
                if (machine != null) {
                    var patch = MachinePatch.newBuilder().setMachineId(id).setKey("disk");
                    if (random.nextBoolean()) {
                        patch.setValue("ssd");
                    }
                    draft.patch(machine, patch.build(), "user/carol", out);
                }
            }
        }
    }

    private static @Nullable UnitSource source(SplittableRandom random, UnitFile file) {
        return random.nextBoolean() ? null : UnitSource.of("# " + random.nextInt(2) + "\n" + file.text(), file);
    }

    /** All but versions and start generations, which are known only once the entry has its place in the log. */
    private static @Nullable List<?> facts(@Nullable UnitRecord unit) {
        return unit == null
                ? null
                : List.of(
                        unit.name(),
                        unit.hash(),
                        unit.source() == null ? "" : unit.source(),
                        unit.changed().by(),
                        unit.wants(),
                        unit.factsRecorded(),
                        unit.target(),
                        unit.machineId() == null ? "" : unit.machineId());
    }

    private static @Nullable List<?> facts(@Nullable MachineRecord machine) {
        return machine == null
                ? null
                : List.of(
                        machine.id(),
                        machine.announced(),
                        machine.operators(),
                        machine.metadata(),
                        machine.present(),
                        machine.sessionEpoch());
    }
}
