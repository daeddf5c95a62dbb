package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EtcdNode;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Running;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.chaos.traffic.Metadata;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** What a quiet cluster, its machines' managers and etcd say at one moment. Used by one thread. */
final class QuietViews {
    private static final String WATERMARK = "watermark";
    private static final String METADATA = "metadata/";
    private static final TypeReference<TreeMap<String, Object>> FIELDS = new TypeReference<>() {};

    private final Cluster cluster;
    private final Recorder recorder;
    private final Supplier<Map<String, Map<String, Running>>> inMemory;
    private final JsonMapper json = JsonMapper.builder().build();

    QuietViews(Cluster cluster, Recorder recorder, Supplier<Map<String, Map<String, Running>>> inMemory) {
        this.cluster = cluster;
        this.recorder = recorder;
        this.inMemory = inMemory;
    }

    /** Whether each unit that is to run is said to be active where it is scheduled. */
    boolean launchedAreActive() {
        var active = reported().stream()
                .filter(unit -> unit.active().equals("active"))
                .map(unit -> unit.unit() + " on " + unit.machine())
                .collect(Collectors.toSet());
        var missing = units(false).stream()
                .filter(unit -> unit.getTargetState() == TargetState.TARGET_STATE_LAUNCHED)
                .map(unit -> unit.getName() + " on " + unit.getMachineId())
                .filter(unit -> !active.contains(unit))
                .toList();
        if (!missing.isEmpty()) {
            throw new IllegalStateException("not active: " + missing);
        }
        return true;
    }

    /** What the cluster says that runs, then what each machine's manager says. */
    List<Event> states() {
        var events = new ArrayList<Event>(List.of(new Event.Reported(recorder.now(), reported())));
        var memory = inMemory.get();
        for (var agent : cluster.agents()) {
            for (var machine : agent.machineIds()) {
                var units = agent.hollow()
                        ? List.copyOf(memory.getOrDefault(machine, Map.of()).values())
                        : managed(agent, machine);
                events.add(new Event.Managed(recorder.now(), machine, units));
            }
        }
        return events;
    }

    private List<Running> reported() {
        return cluster.client().listUnitStates(ListUnitStatesRequest.getDefaultInstance()).rows().stream()
                .map(s -> new Running(s.getName(), s.getMachineId(), s.getActiveState(), s.getMainPid()))
                .toList();
    }

    private List<Unit> units(boolean withContents) {
        var request =
                ListUnitsRequest.newBuilder().setWithContents(withContents).build();
        return cluster.client().listUnits(request).rows();
    }

    private static List<Running> managed(AgentNode agent, String machine) {
        var names = agent.machine()
                .systemctl("list-units", "--type=service", "--all", "--plain", "--no-legend", "--full")
                .lines()
                .map(line -> line.strip().split("\\s+", 2)[0])
                .filter(UnitObserver::isOurs)
                .toList();
        if (names.isEmpty()) {
            return List.of();
        }
        var active = agent.machine().property("ActiveState", names);
        var pids = agent.machine().property("MainPID", names);
        var found = new HashMap<String, Running>();
        active.forEach((unit, state) ->
                found.put(unit, new Running(unit, machine, state, Long.parseLong(pids.getOrDefault(unit, "0")))));
        return List.copyOf(found.values());
    }

    /** What should be in etcd, from the list of units and by what the documentation says of keys, and what is. */
    List<Event> mirror(EtcdNode etcd) {
        var registry = new TreeMap<String, String>();
        for (var unit : units(true)) {
            var hash = HexFormat.of().formatHex(unit.getHash().toByteArray());
            registry.put("units/" + unit.getName(), fact(unit(unit, hash)));
            var source = HexFormat.of().formatHex(unit.getSourceDigest().toByteArray());
            if (!source.isEmpty()) {
                registry.put(
                        "sources/" + source,
                        fact(Map.of("text", unit.getContents().getSource())));
            }
            registry.put(
                    "contents/" + hash, fact(Map.of("text", unit.getContents().getText())));
            if (!unit.getMachineId().isEmpty()) {
                registry.put("schedule/" + unit.getName(), fact(Map.of("machine", unit.getMachineId())));
            }
        }
        var machines = ListMachinesRequest.newBuilder().setIncludeLost(true).build();
        for (var machine : cluster.client().listMachines(machines).rows()) {
            metadata(machine.getMetadataMap()).ifPresent(set -> registry.put(METADATA + machine.getId(), set));
        }
        var found = new TreeMap<String, String>();
        etcd.dump().forEach((key, value) -> {
            if (key.startsWith(METADATA)) {
                mirroredMetadata(value).ifPresent(set -> found.put(key, set));
            } else if (!key.equals(WATERMARK)) {
                found.put(key, read(value));
            }
        });
        return List.of(new Event.Mirrored(recorder.now(), registry, found));
    }

    private static Map<String, Object> unit(Unit unit, String hash) {
        var fields = new TreeMap<String, Object>(Map.of(
                "hash",
                hash,
                "targetState",
                word(unit.getTargetState()),
                "startGeneration",
                unit.getStartGeneration(),
                "global",
                unit.getGlobal()));
        if (!unit.getSourceDigest().isEmpty()) {
            fields.put("source", HexFormat.of().formatHex(unit.getSourceDigest().toByteArray()));
        }
        if (!unit.getChangedBy().isEmpty()) {
            fields.put("changedBy", unit.getChangedBy());
            fields.put("changedAtMs", unit.getChangedAtMs());
        }
        return fields;
    }

    private Optional<String> mirroredMetadata(String value) {
        try {
            return metadata(json.readValue(value, FIELDS).get("set"));
        } catch (JacksonException e) {
            return Optional.of(read(value));
        }
    }

    /** The keys that clients have set; empty when there are none. Which they removed can't be told from a list of machines. */
    private static Optional<String> metadata(@Nullable Object set) {
        var ours = new TreeMap<String, Object>();
        if (set instanceof Map<?, ?> all) {
            all.forEach((key, value) -> {
                if (key instanceof String name && name.startsWith(Metadata.PREFIX) && value != null) {
                    ours.put(name, value);
                }
            });
        }
        return ours.isEmpty() ? Optional.empty() : Optional.of(fact(Map.of("set", ours)));
    }

    private static String word(TargetState state) {
        return state.name().substring("TARGET_STATE_".length()).toLowerCase(Locale.ROOT);
    }

    private String read(String value) {
        try {
            return fact(json.readValue(value, FIELDS));
        } catch (JacksonException e) {
            return "no JSON object: " + value;
        }
    }

    /** In the same words for the same fields. */
    private static String fact(Map<String, Object> fields) {
        return new TreeMap<>(fields).toString();
    }
}
