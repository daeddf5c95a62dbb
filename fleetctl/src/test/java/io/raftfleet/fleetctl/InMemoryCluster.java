package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.PlanRequest;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.PlannedPlace;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import io.raftfleet.unit.Units;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A registry in memory that keeps the client API's contract, with any number of gRPC servers in front of it. Its machines carry out
 * every change at once, unless told to hold. All state is guarded by this object's monitor.
 */
final class InMemoryCluster implements AutoCloseable {
    static final long INCARNATION = 7;

    final TreeMap<String, Unit> units = new TreeMap<>();
    final TreeMap<String, UnitState> states = new TreeMap<>();
    final TreeMap<String, Machine> machines = new TreeMap<>();
    final List<WatchEvent> events = new ArrayList<>();
    final List<InMemoryEngine> engines = new ArrayList<>();
    private final Map<ByteString, String> contents = new HashMap<>();
    private final Map<String, String> sources = new HashMap<>();
    private final Map<ByteString, WriteResponse> answers = new HashMap<>();
    private final List<String> held = new ArrayList<>();
    private final List<Server> servers = new ArrayList<>();
    /** Events up to this many are forgotten. */
    int compacted;
    /** Without one only stale reads are answered. */
    volatile boolean quorum = true;
    /** So many reads are refused from the next write on. */
    int outageToCome;

    private int outage;

    /** Who changes units from now on; empty for nobody who is known. */
    volatile String caller = "";

    /** By unit. */
    final Map<String, String> warnings = new ConcurrentHashMap<>();

    /** Names of units of which the cluster takes no orders. */
    final Set<String> refused = ConcurrentHashMap.newKeySet();
    /** Units that run on where they were when they are drained, for they fail on their new machine. */
    final Set<String> failingElsewhere = new HashSet<>();
    /** Units of which their new machine says nothing when they are drained. */
    final Set<String> silentElsewhere = new HashSet<>();

    final InMemoryRollouts rollouts = new InMemoryRollouts(this);
    int writes;
    private boolean hold;

    /** Starts one more engine on a free port of the loopback interface. */
    synchronized InMemoryEngine startEngine() {
        try {
            var engine = new InMemoryEngine(this, "e" + (engines.size() + 1));
            Server server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .addService(engine)
                    .addService(engine.cluster())
                    .addService(new InMemoryAccess(null))
                    .build()
                    .start();
            engine.port = server.getPort();
            engine.server = server;
            engines.add(engine);
            servers.add(server);
            return engine;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String endpoints() {
        return engines.stream().map(e -> "127.0.0.1:" + e.port).collect(Collectors.joining(","));
    }

    synchronized void addMachine(String id, String ip, Map<String, String> metadata) {
        machines.put(
                id,
                Machine.newBuilder()
                        .setId(id)
                        .setPrimaryIp(ip)
                        .putAllMetadata(metadata)
                        .setVersion("0.1.0")
                        .setPresence(MachinePresence.MACHINE_PRESENCE_PRESENT)
                        .build());
        held.addAll(units.keySet());
        carryOut();
    }

    /** From now on machines do nothing, until released. */
    synchronized void hold() {
        hold = true;
    }

    synchronized void release() {
        hold = false;
        carryOut();
    }

    synchronized Revision revision() {
        return revision(events.size());
    }

    private static Revision revision(int index) {
        return Revision.newBuilder().setIncarnation(INCARNATION).setIndex(index).build();
    }

    private void emit(WatchEvent.Builder event) {
        events.add(event.setRevision(revision(events.size() + 1)).build());
        engines.forEach(InMemoryEngine::wake);
    }

    /** Does a write once a request id. */
    synchronized WriteResponse write(RequestId id, Supplier<List<ItemResult>> change) {
        if (id.getId().size() != 16 || id.getIssuedAtMs() == 0) {
            throw new IllegalArgumentException("malformed request id " + id);
        }
        WriteResponse before = answers.get(id.getId());
        if (before != null) {
            return before;
        }
        writes++;
        List<ItemResult> results = change.get();
        carryOut();
        WriteResponse response = WriteResponse.newBuilder()
                .addAllResults(results)
                .setRevision(revision())
                .build();
        answers.put(id.getId(), response);
        return response;
    }

    static ItemResult result(ItemCode code, String message) {
        return ItemResult.newBuilder().setCode(code).setMessage(message).build();
    }

    private static ItemResult refusal(String name) {
        return result(ItemCode.ITEM_CODE_REFUSED, "unit " + name + ": it is not wanted here");
    }

    ItemResult create(NewUnit wanted, boolean replace) {
        outage += outageToCome;
        outageToCome = 0;
        if (refused.contains(wanted.getName())) {
            return refusal(wanted.getName());
        }
        String text = wanted.getText();
        if (text.isEmpty()) {
            String known = contents.get(wanted.getHash());
            if (known == null) {
                return result(ItemCode.ITEM_CODE_INVALID, "unit " + wanted.getName() + ": unknown contents");
            }
            text = known;
        }
        UnitFile file;
        boolean global;
        try {
            file = UnitFile.parse(text);
            Units.validate(wanted.getName(), file);
            global = Requirements.of(wanted.getName(), file).global();
        } catch (InvalidUnitException e) {
            return result(ItemCode.ITEM_CODE_INVALID, String.valueOf(e.getMessage()));
        }
        ByteString hash = file.hash().toByteString();
        Unit present = units.get(wanted.getName());
        if (present != null && !present.getHash().equals(hash) && !replace) {
            return result(
                    ItemCode.ITEM_CODE_ALREADY_EXISTS, "unit " + wanted.getName() + " exists with other contents");
        }
        contents.put(hash, file.text());
        UnitSource source = UnitSource.of(text, file);
        ByteString digest = source == null ? ByteString.EMPTY : UnitSource.toBytes(source.digest());
        sources.put(wanted.getName(), source == null ? "" : source.text());
        if (present != null && present.getHash().equals(hash)) {
            if (present.getSourceDigest().equals(digest) || !replace) {
                return result(ItemCode.ITEM_CODE_UNCHANGED, "");
            }
            put(present.toBuilder().setSourceDigest(digest));
            return result(ItemCode.ITEM_CODE_REPLACED, "");
        }
        TargetState target = wanted.getTargetState() == TargetState.TARGET_STATE_UNSPECIFIED
                ? TargetState.TARGET_STATE_INACTIVE
                : wanted.getTargetState();
        Unit.Builder unit = present == null ? Unit.newBuilder() : present.toBuilder();
        put(unit.setName(wanted.getName())
                .setHash(hash)
                .setSourceDigest(digest)
                .setChangedBy(caller)
                .setChangedAtMs(caller.isEmpty() ? 0 : 1_795_000_000_000L)
                .setGlobal(global)
                .setTargetState(target)
                .setCurrentState(global ? TargetState.TARGET_STATE_UNSPECIFIED : TargetState.TARGET_STATE_INACTIVE));
        return result(present == null ? ItemCode.ITEM_CODE_OK : ItemCode.ITEM_CODE_REPLACED, "");
    }

    ItemResult change(TargetStateChange change) {
        if (refused.contains(change.getName())) {
            return refusal(change.getName());
        }
        Unit unit = units.get(change.getName());
        if (unit == null) {
            return result(ItemCode.ITEM_CODE_NOT_FOUND, "unit " + change.getName() + " does not exist");
        }
        if (unit.getTargetState() == change.getTargetState() && !change.getStartAgain() && !change.getStopAgain()) {
            return result(ItemCode.ITEM_CODE_UNCHANGED, "");
        }
        Unit.Builder changed = unit.toBuilder().setTargetState(change.getTargetState());
        if (change.getStartAgain() || change.getStopAgain()) {
            changed.setStartGeneration(unit.getStartGeneration() + 1).setCurrentState(TargetState.TARGET_STATE_LOADED);
        }
        put(changed);
        return result(ItemCode.ITEM_CODE_OK, "");
    }

    ItemResult patch(MachinePatch patch) {
        var id = patch.getMachineId();
        Machine machine = machines.get(id);
        if (refused.contains(id)) {
            return result(ItemCode.ITEM_CODE_REFUSED, "machine " + id + ": it is not to be touched");
        }
        if (machine == null) {
            return result(ItemCode.ITEM_CODE_NOT_FOUND, "machine " + id + " is unknown");
        }
        var changed = machine.toBuilder();
        if (!patch.hasOrder()) {
            if (patch.hasValue()) {
                changed.putMetadata(patch.getKey(), patch.getValue());
            } else {
                changed.removeMetadata(patch.getKey());
            }
        } else {
            var kind = switch (patch.getOrder().getKind()) {
                case KIND_CORDON -> MachineMarkKind.MACHINE_MARK_KIND_CORDONED;
                case KIND_DRAIN -> drain(machine);
                default -> MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED;
            };
            if (patch.getOrder().getKind() == MachineOrder.Kind.KIND_FORGET) {
                machines.remove(id);
                emit(WatchEvent.newBuilder().setMachineForgotten(id));
                return result(ItemCode.ITEM_CODE_OK, "");
            }
            if (kind == machine.getMark().getKind()) {
                return result(ItemCode.ITEM_CODE_UNCHANGED, "machine " + id + " is so");
            }
            changed.getMarkBuilder().setKind(kind).setSinceMs(1_795_000_000_000L);
        }
        machines.put(id, changed.build());
        emit(WatchEvent.newBuilder().setMachine(changed));
        return result(ItemCode.ITEM_CODE_OK, "");
    }

    /** What {@code plan} is answered, but for units that are refused; null for each created unit on the first machine. */
    @Nullable
    PlanResponse planned;

    PlanResponse plan(PlanRequest request) {
        var told = planned;
        if (told != null) {
            return told;
        }
        var plan = PlanResponse.newBuilder();
        for (var unit : request.getCreate().getUnitsList()) {
            if (refused.contains(unit.getName())) {
                plan.addCreate(result(ItemCode.ITEM_CODE_REFUSED, "unit " + unit.getName() + " is refused"));
                continue;
            }
            plan.addCreate(result(ItemCode.ITEM_CODE_OK, ""));
            plan.addPlaces(PlannedPlace.newBuilder()
                    .setUnit(unit.getName())
                    .setNamed(true)
                    .setTargetState(unit.getTargetState())
                    .setMachineAfter(machines.keySet().stream().findFirst().orElse("")));
        }
        request.getTargets()
                .getChangesList()
                .forEach(change -> plan.addTargets(result(ItemCode.ITEM_CODE_UNCHANGED, "it is so")));
        request.getMachines().getPatchesList().forEach(patch -> plan.addMachines(result(ItemCode.ITEM_CODE_OK, "")));
        return plan.build();
    }

    /** All at once; what no other machine is there for stays. */
    private MachineMarkKind drain(Machine machine) {
        var other = machines.keySet().stream()
                .filter(id -> !id.equals(machine.getId()))
                .findFirst();
        var leaving = units.values().stream()
                .filter(unit -> unit.getMachineId().equals(machine.getId()))
                .toList();
        for (var unit : leaving) {
            if (other.isPresent() && failingElsewhere.contains(unit.getName())) {
                replace(unit.toBuilder().setMachineId(other.get()));
                report(InMemoryEngine.state(unit.getName(), other.get(), "failed", "failed").toBuilder()
                        .setError("its main process exited with status 1")
                        .build());
            } else if (other.isPresent()) {
                dropStates(unit.getName());
                if (!silentElsewhere.contains(unit.getName())) {
                    run(unit, other.get());
                }
                replace(unit.toBuilder().setMachineId(other.get()));
            } else {
                replace(unit.toBuilder().addVetoes(Veto.newBuilder().setMessage("not cordoned: 0 of 1 machine")));
            }
        }
        return leaving.isEmpty()
                        || (other.isPresent()
                                && leaving.stream().noneMatch(unit -> failingElsewhere.contains(unit.getName())))
                ? MachineMarkKind.MACHINE_MARK_KIND_DRAINED
                : MachineMarkKind.MACHINE_MARK_KIND_DRAINING;
    }

    ItemResult destroy(String name) {
        if (refused.contains(name)) {
            return refusal(name);
        }
        if (units.remove(name) == null) {
            return result(ItemCode.ITEM_CODE_NOT_FOUND, "unit " + name + " does not exist");
        }
        emit(WatchEvent.newBuilder().setUnitDestroyed(name));
        dropStates(name);
        return result(ItemCode.ITEM_CODE_OK, "");
    }

    Unit withDetails(Unit unit, boolean withContents, boolean withVetoes) {
        Unit.Builder row = unit.toBuilder();
        if (withContents) {
            row.setContents(UnitContents.newBuilder()
                    .setHash(unit.getHash())
                    .setText(contents.getOrDefault(unit.getHash(), ""))
                    .setSource(sources.getOrDefault(unit.getName(), "")));
        }
        return (withVetoes ? row : row.clearVetoes()).build();
    }

    private void put(Unit.Builder unit) {
        Unit row = unit.setRevision(revision(events.size() + 1)).build();
        units.put(row.getName(), row);
        held.add(row.getName());
        emit(WatchEvent.newBuilder().setUnit(row));
    }

    private void dropStates(String name) {
        if (keepStates) {
            return;
        }
        List.copyOf(states.values()).stream()
                .filter(state -> state.getName().equals(name))
                .forEach(state -> {
                    states.remove(key(state));
                    emit(WatchEvent.newBuilder()
                            .setUnitStateGone(
                                    UnitState.newBuilder().setName(name).setMachineId(state.getMachineId())));
                });
    }

    private static String key(UnitState state) {
        return state.getName() + "\0" + state.getMachineId();
    }

    /** Something has happened. */
    synchronized void happen(Event.Builder event) {
        emit(WatchEvent.newBuilder().setEvent(event.setRevision(revision(events.size() + 1))));
    }

    /** A machine says this of a unit. */
    synchronized void report(UnitState state) {
        states.put(key(state), state);
        emit(WatchEvent.newBuilder().setUnitState(state));
    }

    /** The scheduler, the agents and systemd in one: takes every changed unit to its target. */
    private void carryOut() {
        if (hold) {
            return;
        }
        while (!held.isEmpty()) {
            Unit unit = units.get(held.removeFirst());
            if (unit != null) {
                carryOut(unit);
            }
        }
    }

    private void carryOut(Unit unit) {
        if (unit.getTargetState() == TargetState.TARGET_STATE_INACTIVE) {
            if (unit.getCurrentState().getNumber() > 1 || !unit.getMachineId().isEmpty()) {
                dropStates(unit.getName());
                replace(unit.toBuilder().clearMachineId().setCurrentState(TargetState.TARGET_STATE_INACTIVE));
            }
            return;
        }
        Requirements requirements = requirements(unit);
        List<Machine> fitting = machines.values().stream()
                .filter(machine -> requirements.admits(machine.getMetadataMap()))
                .toList();
        if (unit.getGlobal()) {
            fitting.forEach(machine -> run(unit, machine.getId()));
            return;
        }
        if (fitting.isEmpty()) {
            replace(unit.toBuilder().clearVetoes().addVetoes(veto(requirements)));
            return;
        }
        String machine = unit.getMachineId();
        if (machine.isEmpty()) {
            machine = fitting.get(Math.floorMod(unit.getName().hashCode(), fitting.size()))
                    .getId();
        }
        run(unit, machine);
        replace(unit.toBuilder().setMachineId(machine).clearVetoes().setCurrentState(unit.getTargetState()));
    }

    /** From now on a unit is this, whatever its machine does. */
    synchronized void show(Unit unit) {
        held.remove(unit.getName());
        replace(unit.toBuilder());
    }

    /** Units that leave a machine keep their state there until it is reported gone. */
    volatile boolean keepStates;

    synchronized void reportGone(UnitState state) {
        states.remove(key(state));
        emit(WatchEvent.newBuilder().setUnitStateGone(state));
    }

    private void replace(Unit.Builder unit) {
        Unit row = unit.setRevision(revision(events.size() + 1)).build();
        units.put(row.getName(), row);
        emit(WatchEvent.newBuilder().setUnit(row.toBuilder().clearVetoes()));
    }

    private Requirements requirements(Unit unit) {
        try {
            return Requirements.of(unit.getName(), UnitFile.parse(contents.getOrDefault(unit.getHash(), "")));
        } catch (InvalidUnitException e) {
            throw new IllegalStateException(e);
        }
    }

    private Veto veto(Requirements requirements) {
        String metadata = requirements.metadata().entrySet().stream()
                .map(e -> e.getKey() + "=" + String.join("|", e.getValue()))
                .collect(Collectors.joining(" "));
        return Veto.newBuilder()
                .setRequirement("MachineMetadata=" + metadata)
                .setPresent(machines.size())
                .setMessage("metadata " + metadata + ": 0 of " + machines.size() + " machines")
                .build();
    }

    private void run(Unit unit, String machineId) {
        boolean launched = unit.getTargetState() == TargetState.TARGET_STATE_LAUNCHED;
        String text = contents.getOrDefault(unit.getHash(), "");
        String active = launched ? "active" : "inactive";
        String sub = launched ? "running" : "dead";
        String error = "";
        if (launched && text.contains("/bin/false")) {
            active = "failed";
            sub = "failed";
            error = "its main process exited with status 1";
        } else if (launched && text.contains("Type=oneshot")) {
            active = "inactive";
            sub = "dead";
        }
        report(UnitState.newBuilder()
                .setName(unit.getName())
                .setMachineId(machineId)
                .setLoadState("loaded")
                .setActiveState(active)
                .setSubState(sub)
                .setHash(unit.getHash())
                .setLaunched(launched)
                .setStartGeneration(unit.getStartGeneration())
                .setError(error)
                .setMainPid(launched ? 4711 : 0)
                .build());
    }

    /** Adds rows as they are, for lists. */
    synchronized void add(Unit unit, @Nullable UnitState state) {
        units.put(unit.getName(), unit);
        if (state != null) {
            states.put(key(state), state);
        }
    }

    static ByteString hash(String text) {
        return UnitHash.ofText(text).toByteString();
    }

    @Override
    public void close() {
        servers.forEach(Server::shutdownNow);
        engines.forEach(InMemoryEngine::close);
    }

    private synchronized boolean refused() {
        if (outage == 0) {
            return false;
        }
        outage--;
        return true;
    }

    void requireQuorum(ReadOptions read) {
        if (refused()) {
            throw Status.UNAVAILABLE.withDescription("no quorum for a while").asRuntimeException();
        }
        if (!quorum && !read.getStale()) {
            throw Status.UNAVAILABLE.withDescription("no quorum").asRuntimeException();
        }
    }
}
