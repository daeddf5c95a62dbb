package io.raftfleet.engine.mirror;

import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.TargetStateSet;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitDestroyed;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.state.Mark;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** A real registry to which tests apply entries, as the log would. */
final class TestRegistry {
    final Registry registry = new Registry(64);
    private final List<Consumer<TestRegistry>> listeners = new ArrayList<>();
    private long index;

    TestRegistry(long incarnation) {
        apply(
                Record.newBuilder()
                        .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(incarnation))
                        .build(),
                open("m1"),
                open("m2"));
    }

    void onChange(Runnable listener) {
        listeners.add(registry -> listener.run());
    }

    synchronized void apply(Record... records) {
        registry.apply(
                1,
                ++index,
                Entry.newBuilder()
                        .setFormat(1)
                        .setLeaderTimeMs(1000)
                        .addAllRecords(List.of(records))
                        .build());
        listeners.forEach(listener -> listener.accept(this));
    }

    /** Creates and schedules units that share their contents. */
    void start(String text, String... names) {
        var records = new ArrayList<Record>();
        records.add(contents(text));
        for (var name : names) {
            records.add(create(name, text));
            records.add(schedule(name, "m1"));
        }
        apply(records.toArray(Record[]::new));
    }

    void destroy(String name) {
        var version = version(name);
        apply(Record.newBuilder()
                .setUnitDestroyed(UnitDestroyed.newBuilder().setName(name).setVersion(version))
                .build());
    }

    /** Changes something at random, of about {@code names} units. */
    void churn(RandomGenerator random, int names) {
        var name = "u" + random.nextInt(names) + ".service";
        var unit = registry.read(view -> view.unit(name));
        var text = text(random.nextInt(6));
        if (unit == null) {
            apply(contents(text), create(name, text));
            return;
        }
        if (!unit.wanted()) {
            destroy(name); // Nobody schedules a unit that is to be inactive.
            return;
        }
        switch (random.nextInt(6)) {
            case 0 -> destroy(name);
            case 1 ->
                apply(
                        contents(text),
                        Record.newBuilder()
                                .setUnitCreated(UnitCreated.newBuilder()
                                        .setName(name)
                                        .setHash(UnitHash.ofText(text).toByteString())
                                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                                        .setReplacesVersion(unit.version()))
                                .build());
            case 2 ->
                apply(Record.newBuilder()
                        .setTargetStateSet(TargetStateSet.newBuilder()
                                .setName(name)
                                .setVersion(unit.version())
                                .setTargetState(
                                        random.nextBoolean()
                                                ? TargetState.TARGET_STATE_INACTIVE
                                                : TargetState.TARGET_STATE_LAUNCHED)
                                .setStartAgain(false))
                        .build());
            case 3 -> apply(random.nextInt(4) == 0 ? marked(random) : metadata(random));
            default ->
                apply(Record.newBuilder()
                        .setUnitScheduled(UnitScheduled.newBuilder()
                                .setName(name)
                                .setVersion(unit.version())
                                .setMachineId("m" + (1 + random.nextInt(2))))
                        .build());
        }
    }

    private static Record marked(RandomGenerator random) {
        return Record.newBuilder()
                .setMachineMarked(MachineMarked.newBuilder()
                        .setMachineId("m" + (1 + random.nextInt(2)))
                        .setKind(
                                random.nextBoolean()
                                        ? MachineMarkKind.MACHINE_MARK_KIND_CORDONED
                                        : MachineMarkKind.MACHINE_MARK_KIND_DRAINING)
                        .setMaxParallel(random.nextInt(3)))
                .build();
    }

    private static Record metadata(RandomGenerator random) {
        return Record.newBuilder()
                .setMachineMetadataSet(MachineMetadataSet.newBuilder()
                        .setMachineId("m" + (1 + random.nextInt(2)))
                        .setKey("k" + random.nextInt(4))
                        .setValue("v" + random.nextInt(100)))
                .build();
    }

    static String text(int variant) {
        return "[Service]\nExecStart=/bin/sleep " + (1000 + variant) + "\n";
    }

    static Record open(String machine) {
        return Record.newBuilder()
                .setSessionOpened(SessionOpened.newBuilder()
                        .setMachineId(machine)
                        .setPrimaryIp("10.0.0.1")
                        .setSessionEpoch(1))
                .build();
    }

    static Record contents(String text) {
        return Record.newBuilder()
                .setContentsStored(ContentsStored.newBuilder()
                        .setContents(UnitContents.newBuilder()
                                .setHash(UnitHash.ofText(text).toByteString())
                                .setText(text)))
                .build();
    }

    static Record create(String name, String text) {
        return Record.newBuilder()
                .setUnitCreated(UnitCreated.newBuilder()
                        .setName(name)
                        .setHash(UnitHash.ofText(text).toByteString())
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                .build();
    }

    static Record schedule(String name, String machine) {
        return Record.newBuilder()
                .setUnitScheduled(
                        UnitScheduled.newBuilder().setName(name).setVersion(-1).setMachineId(machine))
                .build();
    }

    /** What the mirror should hold, key by key, in the words of the documentation. */
    NavigableMap<String, String> expected(String prefix) {
        return expected(registry, prefix);
    }

    static NavigableMap<String, String> expected(Registry registry, String prefix) {
        return registry.read(view -> {
            var keys = new TreeMap<String, String>();
            for (var unit : view.units().values()) {
                keys.put(
                        prefix + "units/" + unit.name(),
                        "{\"hash\":\"" + unit.hash().toHex() + "\",\"targetState\":\""
                                + (unit.wanted() ? "launched" : "inactive") + "\",\"startGeneration\":"
                                + unit.startGeneration() + ",\"global\":false}");
                if (unit.machineId() != null) {
                    keys.put(prefix + "schedule/" + unit.name(), "{\"machine\":\"" + unit.machineId() + "\"}");
                }
                keys.put(
                        prefix + "contents/" + unit.hash().toHex(),
                        "{\"text\":\""
                                + Objects.requireNonNull(view.contents(unit.hash()))
                                        .replace("\n", "\\n")
                                + "\"}");
            }
            for (var machine : view.machines().values()) {
                var set = new TreeMap<String, String>();
                machine.operators().forEach((key, value) -> set.put(key, value.orElseThrow()));
                if (machine.operatorsAt() != 0) {
                    var json = new StringBuilder();
                    set.forEach((key, value) ->
                            json.append(json.isEmpty() ? "" : ",").append("\"" + key + "\":\"" + value + "\""));
                    keys.put(
                            prefix + "metadata/" + machine.id(),
                            "{\"set\":{" + json + "},\"removed\":[]" + mark(machine.mark()) + "}");
                }
            }
            return keys;
        });
    }

    private static String mark(Mark mark) {
        return mark.cordoned()
                ? ",\"mark\":{\"kind\":\"" + (mark.empties() ? "draining" : "cordoned") + "\",\"sinceMs\":"
                        + mark.sinceMs() + ",\"maxParallel\":" + mark.maxParallel() + ",\"deadlineMs\":"
                        + mark.deadlineMs() + "}"
                : "";
    }

    boolean has(String name) {
        return registry.read(view -> view.units().containsKey(name));
    }

    private long version(String name) {
        return Objects.requireNonNull(registry.read(view -> view.unit(name))).version();
    }
}
