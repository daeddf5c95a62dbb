package io.raftfleet.engine.http;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.AbsentAt;
import io.raftfleet.engine.api.ChangeFeed;
import io.raftfleet.engine.api.EngineHealth;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.fleet.ListEventsResponse;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListMachinesResponse;
import io.raftfleet.proto.fleet.ListRolloutsRequest;
import io.raftfleet.proto.fleet.ListRolloutsResponse;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesResponse;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.Rollout;
import io.raftfleet.proto.model.RolloutPhase;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.state.MemoryUse;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitName;
import io.raftfleet.unit.Units;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The contract of {@link FleetApi} kept in one process' memory: what a cluster of one engine does whose machines carry
 * out every order at once. Answers immediately, unless told to fail. Thread-safe by its own lock.
 */
final class MemoryFleet implements FleetApi, EngineHealth, ChangeFeed, io.raftfleet.engine.api.JournalFeed {
    private final NavigableMap<String, Unit> units = new TreeMap<>();
    private final NavigableMap<String, UnitState> states = new TreeMap<>();
    final NavigableMap<String, Machine> machines = new TreeMap<>();
    final List<RequestId> requestIds = new ArrayList<>();
    /** What its process' watchdog finds. */
    volatile List<String> stuck = List.of();

    @Override
    public List<String> stuck() {
        return stuck;
    }

    /** What has changed; null while nothing has. */
    volatile @Nullable Changes changes;

    @Override
    public CompletableFuture<Changes> after(@Nullable Revision after, String seen, Duration wait) {
        var told = changes;
        return CompletableFuture.completedFuture(
                told != null
                        ? told
                        : new Changes(revision(), after == null, java.util.Set.of(), java.util.Set.of(), false));
    }

    @Override
    public String leader() {
        return "7-engine-1";
    }

    @Override
    public List<Engine> engines() {
        return List.of(
                new Engine("engine-1", "127.0.0.1:1", null, null), new Engine("engine-2", "127.0.0.1:2", 3L, 40L));
    }

    /** Whether answers come after a while, from another thread. */
    volatile boolean later;

    /** Of each write. */
    final List<String> callers = new CopyOnWriteArrayList<>();

    final AtomicInteger writes = new AtomicInteger();
    final AtomicInteger reads = new AtomicInteger();

    private volatile @Nullable Status failing;
    private volatile boolean quorum = true;
    private volatile String catchingUp = "";
    private boolean full;
    private volatile boolean silent;

    /** Every call fails with this; null ends it. */
    void failWith(@Nullable Status status) {
        failing = status;
    }

    /** Why it does not know yet what the cluster knows; empty when it does. */
    void setCatchingUp(String why) {
        catchingUp = why;
    }

    /** Without a quorum, all but stale reads fail when their deadline is over. */
    void setQuorum(boolean has) {
        quorum = has;
    }

    /** Calls are not answered at all, against the contract. */
    void setSilent(boolean not) {
        silent = not;
    }

    synchronized void addMachine(String id, String ip, Map<String, String> metadata) {
        machines.put(
                id,
                Machine.newBuilder()
                        .setId(id)
                        .setPrimaryIp(ip)
                        .putAllMetadata(metadata)
                        .setPresence(MachinePresence.MACHINE_PRESENCE_PRESENT)
                        .build());
    }

    synchronized void clearUnits() {
        units.clear();
        states.clear();
    }

    /** What is wrong with a unit of before. */
    synchronized void warn(String name, String warning) {
        units.computeIfPresent(
                name, (same, unit) -> unit.toBuilder().addWarnings(warning).build());
    }

    synchronized void changed(String name, String by, long atMs) {
        units.computeIfPresent(
                name,
                (same, unit) ->
                        unit.toBuilder().setChangedBy(by).setChangedAtMs(atMs).build());
    }

    /** Why a unit is on no machine. */
    synchronized void veto(String name, String why) {
        units.computeIfPresent(
                name,
                (same, unit) -> unit.toBuilder()
                        .addVetoes(Veto.newBuilder().setMessage(why))
                        .build());
    }

    synchronized @Nullable Unit unit(String name) {
        return units.get(name);
    }

    @Override
    public synchronized View view() {
        return new View(
                "engine-1",
                "test-cluster",
                quorum,
                quorum ? "engine-1" : "",
                "",
                catchingUp,
                7,
                42,
                41,
                units.size(),
                machines.size(),
                0,
                0,
                states.size(),
                0,
                new MemoryUse(1 << 20, 2 << 20, 3 << 20, 0, 0, 0, 0),
                64 << 20);
    }

    @Override
    public CompletableFuture<WriteResponse> createUnits(CreateUnitsRequest request, Duration deadline) {
        return write(
                request.getRequestId(), deadline, request.getUnitsList(), unit -> create(unit, request.getReplace()));
    }

    @Override
    public CompletableFuture<WriteResponse> setTargetStates(SetTargetStatesRequest request, Duration deadline) {
        return write(request.getRequestId(), deadline, request.getChangesList(), this::setTargetState);
    }

    @Override
    public CompletableFuture<WriteResponse> destroyUnits(DestroyUnitsRequest request, Duration deadline) {
        return write(request.getRequestId(), deadline, request.getNamesList(), name -> {
            states.values().removeIf(state -> state.getName().equals(name));
            return units.remove(name) == null
                    ? result(ItemCode.ITEM_CODE_NOT_FOUND, "unit " + name + " does not exist")
                    : result(ItemCode.ITEM_CODE_OK, "");
        });
    }

    @Override
    public CompletableFuture<WriteResponse> patchMachines(PatchMachinesRequest request, Duration deadline) {
        return write(request.getRequestId(), deadline, request.getPatchesList(), this::patch);
    }

    /** From now on there is no room for another unit. */
    synchronized void fill() {
        full = true;
    }

    private ItemResult create(NewUnit unit, boolean replace) {
        UnitFile file;
        if (full) {
            return result(
                    ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED, "unit " + unit.getName() + " needs more: destroy units");
        }
        try {
            file = UnitFile.parse(unit.getText());
            Units.validate(unit.getName(), file);
        } catch (InvalidUnitException e) {
            return result(
                    ItemCode.ITEM_CODE_INVALID,
                    String.valueOf(e.inUnit(unit.getName()).getMessage()));
        }
        Unit old = units.get(unit.getName());
        TargetState target = unit.getTargetState();
        if (target == TargetState.TARGET_STATE_UNSPECIFIED) {
            target = old == null ? TargetState.TARGET_STATE_INACTIVE : old.getTargetState();
        }
        if (target != TargetState.TARGET_STATE_INACTIVE && isTemplate(unit.getName())) {
            return template(unit.getName());
        }
        ByteString hash = file.hash().toByteString();
        if (old != null && old.getHash().equals(hash)) {
            return result(ItemCode.ITEM_CODE_UNCHANGED, "");
        }
        if (old != null && !replace) {
            return result(ItemCode.ITEM_CODE_ALREADY_EXISTS, "unit " + unit.getName() + " exists");
        }
        store(Unit.newBuilder()
                .setName(unit.getName())
                .setHash(hash)
                .setTargetState(target)
                .setGlobal(global(unit.getName(), file))
                .setContents(UnitContents.newBuilder().setHash(hash).setText(file.text()))
                .build());
        return result(old == null ? ItemCode.ITEM_CODE_OK : ItemCode.ITEM_CODE_REPLACED, "");
    }

    private static boolean global(String name, UnitFile file) {
        try {
            return Requirements.of(name, file).global();
        } catch (InvalidUnitException e) {
            throw new AssertionError(e);
        }
    }

    private ItemResult setTargetState(TargetStateChange change) {
        Unit unit = units.get(change.getName());
        if (unit == null) {
            return result(ItemCode.ITEM_CODE_NOT_FOUND, "unit " + change.getName() + " does not exist");
        }
        if (change.getTargetState() != TargetState.TARGET_STATE_INACTIVE && isTemplate(change.getName())) {
            return template(change.getName());
        }
        boolean same = unit.getTargetState() == change.getTargetState();
        store(unit.toBuilder().setTargetState(change.getTargetState()).build());
        return result(same ? ItemCode.ITEM_CODE_UNCHANGED : ItemCode.ITEM_CODE_OK, "");
    }

    /** The machines obey at once. */
    private void store(Unit unit) {
        states.values().removeIf(state -> state.getName().equals(unit.getName()));
        boolean placed = unit.getTargetState() != TargetState.TARGET_STATE_INACTIVE && !machines.isEmpty();
        boolean launched = unit.getTargetState() == TargetState.TARGET_STATE_LAUNCHED;
        List<String> on =
                !placed ? List.of() : unit.getGlobal() ? List.copyOf(machines.keySet()) : List.of(machines.firstKey());
        for (String machine : on) {
            states.put(
                    unit.getName() + "\0" + machine,
                    UnitState.newBuilder()
                            .setName(unit.getName())
                            .setMachineId(machine)
                            .setLoadState("loaded")
                            .setActiveState(launched ? "active" : "inactive")
                            .setSubState(launched ? "running" : "dead")
                            .setHash(unit.getHash())
                            .setLaunched(launched)
                            .build());
        }
        TargetState current = placed ? unit.getTargetState() : TargetState.TARGET_STATE_INACTIVE;
        units.put(
                unit.getName(),
                unit.toBuilder()
                        .setMachineId(placed && !unit.getGlobal() ? on.getFirst() : "")
                        .setCurrentState(unit.getGlobal() ? TargetState.TARGET_STATE_UNSPECIFIED : current)
                        .build());
    }

    private ItemResult patch(MachinePatch patch) {
        Machine machine = machines.get(patch.getMachineId());
        if (machine != null) {
            Machine.Builder changed = machine.toBuilder();
            if (patch.hasValue()) {
                changed.putMetadata(patch.getKey(), patch.getValue());
            } else {
                changed.removeMetadata(patch.getKey());
            }
            machines.put(machine.getId(), changed.build());
        }
        return result(ItemCode.ITEM_CODE_OK, "");
    }

    private static boolean isTemplate(String name) {
        try {
            return UnitName.of(name).isTemplate();
        } catch (InvalidUnitException e) {
            throw new AssertionError(e);
        }
    }

    private static ItemResult template(String name) {
        return result(ItemCode.ITEM_CODE_REFUSED, "unit " + name + ": a template can't be activated");
    }

    @Override
    public CompletableFuture<io.raftfleet.proto.fleet.PlanResponse> plan(
            io.raftfleet.proto.fleet.PlanRequest request, Duration deadline) {
        throw new UnsupportedOperationException("no route plans");
    }

    @Override
    public CompletableFuture<GetUnitResponse> getUnit(GetUnitRequest request, Duration deadline) {
        return read(request.getRead(), deadline, () -> {
            Unit unit = units.get(request.getName());
            if (unit == null) {
                throw AbsentAt.failure("no unit " + request.getName(), revision());
            }
            return GetUnitResponse.newBuilder()
                    .setUnit(unit)
                    .setRevision(revision())
                    .build();
        });
    }

    @Override
    public CompletableFuture<ListUnitsResponse> listUnits(ListUnitsRequest request, Duration deadline) {
        return read(request.getRead(), deadline, () -> {
            ListUnitsResponse.Builder page = ListUnitsResponse.newBuilder().setRevision(revision());
            NavigableMap<String, Unit> matching = new TreeMap<>(units);
            matching.keySet()
                    .removeIf(name -> request.getNamesCount() > 0
                            && request.getNamesList().stream().noneMatch(glob -> matches(glob, name)));
            page.setNextToken(page(
                    request.getPage(),
                    matching,
                    unit -> page.addUnits(
                            request.getWithWarnings()
                                    ? unit
                                    : unit.toBuilder().clearWarnings().build())));
            return page.build();
        });
    }

    @Override
    public CompletableFuture<ListUnitStatesResponse> listUnitStates(ListUnitStatesRequest request, Duration deadline) {
        return read(request.getRead(), deadline, () -> {
            NavigableMap<String, UnitState> matching = new TreeMap<>(states);
            matching.values()
                    .removeIf(state -> !(request.getMachineId().isEmpty()
                                    || request.getMachineId().equals(state.getMachineId()))
                            || !(request.getNamesCount() == 0
                                    || request.getNamesList().stream()
                                            .anyMatch(glob -> matches(glob, state.getName()))));
            ListUnitStatesResponse.Builder page =
                    ListUnitStatesResponse.newBuilder().setRevision(revision());
            page.setNextToken(page(request.getPage(), matching, page::addStates));
            return page.build();
        });
    }

    @Override
    public CompletableFuture<ListMachinesResponse> listMachines(ListMachinesRequest request, Duration deadline) {
        return read(request.getRead(), deadline, () -> {
            ListMachinesResponse.Builder page =
                    ListMachinesResponse.newBuilder().setRevision(revision());
            page.setNextToken(page(request.getPage(), machines, page::addMachines));
            return page.build();
        });
    }

    @Override
    public CompletableFuture<ListEventsResponse> listEvents(ListEventsRequest request, Duration deadline) {
        return read(request.getRead(), deadline, () -> {
            int from = request.getPage().getToken().isEmpty()
                    ? 0
                    : Integer.parseInt(request.getPage().getToken());
            int size = request.getPage().getSize();
            var wanted = happened.stream()
                    .filter(event -> !request.hasAfter()
                            || event.getRevision().getIndex()
                                    > request.getAfter().getIndex())
                    .filter(event -> request.getNamesCount() == 0
                            || request.getNamesList().stream().anyMatch(name -> matches(name, event.getUnit())))
                    .skip(from)
                    .toList();
            var page = ListEventsResponse.newBuilder()
                    .setRevision(revision())
                    .addAllEvents(wanted.subList(0, Math.min(size, wanted.size())));
            return page.setNextToken(wanted.size() > size ? Integer.toString(from + size) : "")
                    .build();
        });
    }

    static io.raftfleet.proto.model.Event event(String unit, long index) {
        return io.raftfleet.proto.model.Event.newBuilder()
                .setUnit(unit)
                .setMachineId(io.raftfleet.engine.http.Engine.MACHINE)
                .setKind(io.raftfleet.proto.model.EventKind.EVENT_KIND_UNIT_UP)
                .setBy("user/eve")
                .setMessage("up")
                .setTimes(2)
                .setFirstMs(1_700_000_000_000L)
                .setTimeMs(1_700_000_001_000L)
                .setRevision(io.raftfleet.proto.model.Revision.newBuilder()
                        .setIncarnation(1)
                        .setIndex(index))
                .build();
    }

    @Override
    public CompletableFuture<Lines> open(io.raftfleet.proto.fleet.JournalRequest request, Duration wait) {
        return unit(request.getUnit()) == null
                ? CompletableFuture.failedFuture(Status.NOT_FOUND
                        .withDescription("unit " + request.getUnit() + " does not exist")
                        .asRuntimeException())
                : CompletableFuture.completedFuture(new Lines("1", "hello\n", false));
    }

    @Override
    public CompletableFuture<Lines> more(String log, Duration wait) {
        return CompletableFuture.completedFuture(new Lines(log, "", true));
    }

    /** What has happened, oldest first. */
    final List<io.raftfleet.proto.model.Event> happened = new CopyOnWriteArrayList<>();

    @Override
    public CompletableFuture<WriteResponse> startRollout(StartRolloutRequest request, Duration deadline) {
        throw new UnsupportedOperationException("HTTP v1 starts no rollouts");
    }

    @Override
    public CompletableFuture<WriteResponse> controlRollout(ControlRolloutRequest request, Duration deadline) {
        return write(request.getRequestId(), deadline, List.of(request), this::control);
    }

    private ItemResult control(ControlRolloutRequest request) {
        for (Rollout rollout : rollouts) {
            if (rollout.getId().equals(request.getId())) {
                orders.add(request.getOrder());
                return result(ItemCode.ITEM_CODE_OK, "");
            }
        }
        return result(ItemCode.ITEM_CODE_NOT_FOUND, "there is no rollout " + request.getId());
    }

    /** The oldest first. */
    final List<Rollout> rollouts = new CopyOnWriteArrayList<>();

    /** What was ordered of these. */
    final List<ControlRolloutRequest.Order> orders = new CopyOnWriteArrayList<>();

    /** One of 3 of 12 units at a time that has stopped at its second group. */
    static Rollout rollout(String id) {
        return Rollout.newBuilder()
                .setId(id)
                .setPhase(RolloutPhase.ROLLOUT_PHASE_STOPPED)
                .setUnits(12)
                .setFirstUnit("web@1.service")
                .setGroupFrom(3)
                .setGroupTo(6)
                .setMaxUnavailable(3)
                .setReason("unit web@4.service failed")
                .setBy("user/alice")
                .setStartedMs(1_767_323_045_000L)
                .build();
    }

    @Override
    public CompletableFuture<ListRolloutsResponse> listRollouts(ListRolloutsRequest request, Duration deadline) {
        return failing != null
                ? CompletableFuture.failedFuture(failing.asRuntimeException())
                : CompletableFuture.completedFuture(ListRolloutsResponse.newBuilder()
                        .addAllRollouts(rollouts)
                        .setRevision(revision())
                        .build());
    }

    private static boolean matches(String glob, String name) {
        try {
            return Glob.isPattern(glob) ? Glob.compile(glob).matches(name) : glob.equals(name);
        } catch (InvalidPatternException e) {
            throw Status.INVALID_ARGUMENT.withDescription(e.getMessage()).asRuntimeException();
        }
    }

    private static <T> String page(Page page, NavigableMap<String, T> rows, Consumer<T> add) {
        NavigableMap<String, T> rest = page.getToken().isEmpty() ? rows : rows.tailMap(cursor(page.getToken()), false);
        Iterator<Map.Entry<String, T>> next = rest.entrySet().iterator();
        String last = "";
        for (int i = 0; i < page.getSize() && next.hasNext(); i++) {
            Map.Entry<String, T> row = next.next();
            add.accept(row.getValue());
            last = row.getKey();
        }
        return next.hasNext()
                ? Base64.getEncoder().encodeToString(("after:" + last).getBytes(StandardCharsets.UTF_8))
                : "";
    }

    private static String cursor(String token) {
        try {
            String text = new String(Base64.getDecoder().decode(token), StandardCharsets.UTF_8);
            if (text.startsWith("after:")) {
                return text.substring("after:".length());
            }
        } catch (IllegalArgumentException e) {
            throw Status.INVALID_ARGUMENT
                    .withCause(e)
                    .withDescription("page token is no Base64")
                    .asRuntimeException();
        }
        throw Status.INVALID_ARGUMENT
                .withDescription("page token \"" + token + "\" was not made by an engine")
                .asRuntimeException();
    }

    private <T> CompletableFuture<WriteResponse> write(
            RequestId id, Duration deadline, List<T> items, Function<T, ItemResult> one) {
        writes.incrementAndGet();
        callers.add(Caller.current().words());
        return answer(quorum, deadline, () -> {
            requestIds.add(id);
            WriteResponse.Builder response = WriteResponse.newBuilder();
            items.forEach(item -> response.addResults(one.apply(item)));
            return response.setRevision(revision()).build();
        });
    }

    /** Moves with each write. */
    private Revision revision() {
        return Revision.newBuilder()
                .setIncarnation(-1)
                .setIndex(40 + writes.get())
                .setOrdinal(2)
                .build();
    }

    private <T> CompletableFuture<T> read(ReadOptions options, Duration deadline, Supplier<T> rows) {
        reads.incrementAndGet();
        return answer(quorum || options.getStale(), deadline, rows);
    }

    private synchronized <T> CompletableFuture<T> answer(boolean able, Duration deadline, Supplier<T> work) {
        Status failure = failing;
        if (silent) {
            return new CompletableFuture<>();
        }
        if (failure != null) {
            return CompletableFuture.failedFuture(failure.asRuntimeException());
        }
        if (!able) {
            return CompletableFuture.supplyAsync(
                    () -> {
                        throw Status.UNAVAILABLE
                                .withDescription("no quorum of engines within " + deadline)
                                .asRuntimeException();
                    },
                    CompletableFuture.delayedExecutor(deadline.toMillis(), TimeUnit.MILLISECONDS));
        }
        if (later) {
            return CompletableFuture.supplyAsync(
                    work, CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS, Thread::startVirtualThread));
        }
        try {
            return CompletableFuture.completedFuture(work.get());
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private static ItemResult result(ItemCode code, String message) {
        return ItemResult.newBuilder().setCode(code).setMessage(message).build();
    }
}
