package io.raftfleet.client;

import com.google.protobuf.CodedOutputStream;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.cluster.ChangeMembersRequest;
import io.raftfleet.proto.cluster.ChangeMembersResponse;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.cluster.ListOrphansRequest;
import io.raftfleet.proto.cluster.ListOrphansResponse;
import io.raftfleet.proto.cluster.SettleOrphanRequest;
import io.raftfleet.proto.cluster.SettleOrphanResponse;
import io.raftfleet.proto.cluster.StatusRequest;
import io.raftfleet.proto.cluster.StatusResponse;
import io.raftfleet.proto.cluster.TakeSnapshotRequest;
import io.raftfleet.proto.cluster.TakeSnapshotResponse;
import io.raftfleet.proto.cluster.TransferLeaderRequest;
import io.raftfleet.proto.cluster.TransferLeaderResponse;
import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListRolloutsRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.PlanRequest;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.UnitStatusRequest;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.Rollout;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The cluster, over any of its engines. Every call is retried within the request timeout on the other endpoints; a write keeps its
 * request id over its retries, so that it is done once. Lists of any length are read page by page, writes of any length sent batch
 * by batch, each batch with an id of its own.
 *
 * <p>Futures fail with {@link FleetClientException}, and complete on the client's I/O thread: what depends on them must not block.
 * Thread-safe; {@link #close} cancels what is under way.
 */
public final class FleetClient implements AutoCloseable {
    /** Rows a page without contents: some hundred bytes each. */
    private static final int PAGE = 5_000;
    /** Rows a page with contents, up to 256 KiB each. */
    private static final int CONTENTS_PAGE = 100;

    private static final int ITEMS_A_SECOND = 1_000;
    private static final Duration LEAST_WATCH_PATIENCE = Duration.ofSeconds(30);

    private final ClientOptions options;
    private final Connections connections;
    private final Caller caller;
    private final RequestIds ids;

    /** Connects to nothing yet. */
    public FleetClient(ClientOptions options) {
        this.options = options;
        this.connections = new Connections(options);
        this.caller = new Caller(connections, options);
        this.ids = new RequestIds(options);
    }

    /** Uses the libraries once, without a connection, so that the first call does not have to wait for their classes. */
    public static void warmUp() {
        try (var unused = new Connections(ClientOptions.of(Endpoint.parseList(Endpoint.DEFAULT)))) {
            unused.channel(0);
            FleetGrpc.getListUnitStatesMethod();
        }
    }

    /** The same for messages: Protocol Buffers builds descriptors before it reads the first one with a map, a machine's metadata. */
    public static void warmUpMessages() {
        var unused = Machine.getDescriptor();
    }

    /** The same for TLS, to be called on a thread of its own: it takes about as long as the rest. */
    public static void warmUpTls() {
        TlsIdentity.warmUp();
    }

    /** What it was made with. */
    public ClientOptions options() {
        return options;
    }

    /** Who it is to engines, by the certificate that it has read; empty before the first call, and in plaintext. */
    public Optional<Identity> self() {
        return connections.self();
    }

    /** Orders for units by name, and waiting for what becomes of them: what most programs need. */
    public Units units() {
        return new Units(this);
    }

    // -- Writes ------------------------------------------------------------------------------------------------------

    /** Creates any number of units, in batches one after the other. */
    public WriteOutcome createUnits(List<NewUnit> units, boolean replace) {
        return write(units, NewUnit::getSerializedSize, batch -> createUnitsAsync(batch, replace));
    }

    /** Creates at most 10,000 units, at most some 3 MiB, in one call. */
    public CompletableFuture<WriteResponse> createUnitsAsync(List<NewUnit> units, boolean replace) {
        var request = CreateUnitsRequest.newBuilder()
                .setRequestId(ids.next())
                .addAllUnits(units)
                .setReplace(replace);
        return send(FleetGrpc.getCreateUnitsMethod(), request.build(), units.size());
    }

    /** Changes any number of target states, in batches one after the other. */
    public WriteOutcome setTargetStates(List<TargetStateChange> changes) {
        return write(changes, TargetStateChange::getSerializedSize, this::setTargetStatesAsync);
    }

    /** Changes at most 10,000 target states in one call. */
    public CompletableFuture<WriteResponse> setTargetStatesAsync(List<TargetStateChange> changes) {
        var request =
                SetTargetStatesRequest.newBuilder().setRequestId(ids.next()).addAllChanges(changes);
        return send(FleetGrpc.getSetTargetStatesMethod(), request.build(), changes.size());
    }

    /** Destroys any number of units, in batches one after the other. */
    public WriteOutcome destroyUnits(List<String> names) {
        return write(names, CodedOutputStream::computeStringSizeNoTag, this::destroyUnitsAsync);
    }

    /** Destroys at most 10,000 units in one call. */
    public CompletableFuture<WriteResponse> destroyUnitsAsync(List<String> names) {
        var request = DestroyUnitsRequest.newBuilder().setRequestId(ids.next()).addAllNames(names);
        return send(FleetGrpc.getDestroyUnitsMethod(), request.build(), names.size());
    }

    /** Changes what operators say of machines; any number, in batches one after the other. */
    public WriteOutcome patchMachines(List<MachinePatch> patches) {
        return write(patches, MachinePatch::getSerializedSize, batch -> {
            var request =
                    PatchMachinesRequest.newBuilder().setRequestId(ids.next()).addAllPatches(batch);
            return send(FleetGrpc.getPatchMachinesMethod(), request.build(), batch.size());
        });
    }

    /** What writes would do; nothing is done. At most 1,000 items in all. */
    public PlanResponse plan(PlanRequest request) {
        var plan = join(caller.call(FleetGrpc.getPlanMethod(), request, options.requestTimeout()));
        if (plan.getCreateCount() != request.getCreate().getUnitsCount()
                || plan.getTargetsCount() != request.getTargets().getChangesCount()
                || plan.getMachinesCount() != request.getMachines().getPatchesCount()) {
            throw new FleetClientException(
                    Status.Code.INTERNAL,
                    "an engine answered another number of results than it was given items: it does not keep the contract,"
                            + " compare its version with this client's",
                    null);
        }
        return plan;
    }

    /**
     * What became of a call for a rollout.
     *
     * @param id of the rollout, if it has begun
     */
    public record Begun(String id, ItemResult result) {}

    /** Has the cluster begin a rolling change; the request needs no id. At most some 3 MiB. */
    public Begun startRollout(StartRolloutRequest request) {
        var id = ids.next();
        var response = join(send(
                FleetGrpc.getStartRolloutMethod(),
                request.toBuilder().setRequestId(id).build(),
                1));
        return new Begun(HexFormat.of().formatHex(id.getId().toByteArray()).substring(0, 8), response.getResults(0));
    }

    /** Gives an order about a rollout. */
    public ItemResult controlRollout(String id, ControlRolloutRequest.Order order) {
        var request = ControlRolloutRequest.newBuilder()
                .setRequestId(ids.next())
                .setId(id)
                .setOrder(order)
                .build();
        return join(send(FleetGrpc.getControlRolloutMethod(), request, 1)).getResults(0);
    }

    /** Rollouts, the newest last; one, with the units of its group, or none, when an id is given. */
    public List<Rollout> listRollouts(String id) {
        var request = ListRolloutsRequest.newBuilder().setId(id).build();
        return join(caller.call(FleetGrpc.getListRolloutsMethod(), request, options.requestTimeout()))
                .getRolloutsList();
    }

    private <Q> CompletableFuture<WriteResponse> send(MethodDescriptor<Q, WriteResponse> method, Q request, int items) {
        Duration timeout = options.requestTimeout().plusSeconds(items / ITEMS_A_SECOND);
        return caller.call(method, request, timeout).thenApply(response -> {
            if (response.getResultsCount() != items) {
                throw new CompletionException(new FleetClientException(
                        Status.Code.INTERNAL,
                        "an engine answered " + response.getResultsCount() + " results to " + items
                                + " items: it does not keep the contract, compare its version with this client's",
                        null,
                        FleetClientException.Fate.UNKNOWN,
                        List.of()));
            }
            return response;
        });
    }

    private <T> WriteOutcome write(
            List<T> items,
            java.util.function.ToIntFunction<T> bytes,
            Function<List<T>, CompletableFuture<WriteResponse>> call) {
        var results = new ArrayList<ItemResult>(items.size());
        Revision revision = Revision.getDefaultInstance();
        for (List<T> batch : Batches.split(items, bytes)) {
            if (batch.size() < items.size()) {
                options.batches().at(results.size(), items.size());
            }
            WriteResponse response;
            try {
                response = join(call.apply(batch));
            } catch (FleetClientException e) {
                throw results.isEmpty() ? e : inPart(e, results, items.size());
            }
            results.addAll(response.getResultsList());
            revision = response.getRevision();
        }
        return new WriteOutcome(results, revision);
    }

    /** Batches before the one that failed stand. */
    private static FleetClientException inPart(FleetClientException failure, List<ItemResult> answered, int all) {
        return new FleetClientException(
                failure.code(),
                failure.getMessage() + "; the first " + answered.size() + " of " + all
                        + " had been answered before that, what was ordered for them stands: give the same command again"
                        + " for the rest",
                failure,
                failure.fate(),
                answered);
    }

    // -- Reads -------------------------------------------------------------------------------------------------------

    /** One unit, with contents and vetoes; null when there is none of that name. */
    public @Nullable GetUnitResponse getUnit(String name) {
        return findUnit(name).unit();
    }

    /**
     * What a search for a unit found.
     *
     * @param unit null when there is none of that name
     * @param revision of the registry that was looked at; null when an older engine says that there is none
     */
    public record Found(
            @Nullable GetUnitResponse unit, @Nullable Revision revision) {}

    /** One unit, with contents and vetoes, or the revision at which there is none of that name. */
    public Found findUnit(String name) {
        try {
            var request = GetUnitRequest.newBuilder().setName(name).build();
            var unit = join(caller.call(FleetGrpc.getGetUnitMethod(), request, options.requestTimeout()));
            return new Found(unit, unit.getRevision());
        } catch (FleetClientException e) {
            if (e.code() == Status.Code.NOT_FOUND) {
                return new Found(null, AbsentAt.revision(e));
            }
            throw e;
        }
    }

    /** All units that the request selects; its page is ignored. */
    public CompletableFuture<Listing<Unit>> listUnitsAsync(ListUnitsRequest request) {
        int size = request.getWithContents() ? CONTENTS_PAGE : PAGE;
        return Pages.all(token -> caller.call(
                        FleetGrpc.getListUnitsMethod(),
                        request.toBuilder().setPage(Pages.at(size, token)).build(),
                        options.requestTimeout())
                .thenApply(r -> new Pages.One<>(r.getUnitsList(), r.getNextToken(), r.getRevision())));
    }

    /** As {@link #listUnitsAsync}, waiting. */
    public Listing<Unit> listUnits(ListUnitsRequest request) {
        return join(listUnitsAsync(request));
    }

    /**
     * Names of units that begin with these characters, the first of them by name, as whichever engine answers has them.
     *
     * @param most so many, or a page more
     * @param timeout for each page, unless that of all requests is shorter
     */
    public CompletableFuture<List<String>> unitNamesAsync(String prefix, int most, Duration timeout) {
        return unitNames(
                ListUnitsRequest.newBuilder()
                        .addNames(prefix.replaceAll("[\\\\*?\\[]", "\\\\$0") + "*")
                        .setRead(ReadOptions.newBuilder().setStale(true)),
                "",
                most,
                timeout.compareTo(options.requestTimeout()) < 0 ? timeout : options.requestTimeout(),
                new ArrayList<>());
    }

    private CompletableFuture<List<String>> unitNames(
            ListUnitsRequest.Builder request, String token, int most, Duration timeout, List<String> names) {
        request.setPage(Pages.at(Math.min(PAGE, most), token));
        return caller.call(FleetGrpc.getListUnitsMethod(), request.build(), timeout)
                .thenCompose(answer -> {
                    answer.getUnitsList().forEach(unit -> names.add(unit.getName()));
                    return names.size() >= most || answer.getNextToken().isEmpty()
                            ? CompletableFuture.completedFuture(names)
                            : unitNames(request, answer.getNextToken(), most, timeout, names);
                });
    }

    /** All unit states that the request selects; its page is ignored. */
    public CompletableFuture<Listing<UnitState>> listUnitStatesAsync(ListUnitStatesRequest request) {
        return Pages.all(token -> caller.call(
                        FleetGrpc.getListUnitStatesMethod(),
                        request.toBuilder().setPage(Pages.at(PAGE, token)).build(),
                        options.requestTimeout())
                .thenApply(r -> new Pages.One<>(r.getStatesList(), r.getNextToken(), r.getRevision())));
    }

    /** As {@link #listUnitStatesAsync}, waiting. */
    public Listing<UnitState> listUnitStates(ListUnitStatesRequest request) {
        return join(listUnitStatesAsync(request));
    }

    /** All machines that the request selects; its page is ignored. */
    public CompletableFuture<Listing<Machine>> listMachinesAsync(ListMachinesRequest request) {
        return Pages.all(token -> caller.call(
                        FleetGrpc.getListMachinesMethod(),
                        request.toBuilder().setPage(Pages.at(PAGE, token)).build(),
                        options.requestTimeout())
                .thenApply(r -> new Pages.One<>(r.getMachinesList(), r.getNextToken(), r.getRevision())));
    }

    /** As {@link #listMachinesAsync}, waiting. */
    public Listing<Machine> listMachines(ListMachinesRequest request) {
        return join(listMachinesAsync(request));
    }

    /**
     * What has happened, oldest first; the request's page is ignored.
     *
     * @param events as far as they are kept
     * @param revision of the first page: a watch from it misses nothing, and may repeat what later pages already hold
     * @param gap whether some that were asked for may be kept no longer
     */
    public record Happened(List<Event> events, Revision revision, boolean gap) {
        public Happened {
            events = List.copyOf(events);
        }
    }

    /** What has happened, as far as it is kept. */
    public CompletableFuture<Happened> listEventsAsync(ListEventsRequest request) {
        var gap = new AtomicBoolean();
        return Pages.all(token -> caller.call(
                                FleetGrpc.getListEventsMethod(),
                                request.toBuilder()
                                        .setPage(Pages.at(PAGE, token))
                                        .build(),
                                options.requestTimeout())
                        .thenApply(r -> {
                            if (r.getGap()) {
                                gap.set(true);
                            }
                            return new Pages.One<>(r.getEventsList(), r.getNextToken(), r.getRevision());
                        }))
                .thenApply(all -> new Happened(all.rows(), all.revision(), gap.get()));
    }

    // -- Streams -----------------------------------------------------------------------------------------------------

    /** Changes from the request's revision on. Opens with the first {@link Watch#next}. */
    public Watch watch(WatchRequest request) {
        Duration patience = options.requestTimeout().multipliedBy(3);
        return new Watch(
                connections,
                options,
                request,
                patience.compareTo(LEAST_WATCH_PATIENCE) < 0 ? LEAST_WATCH_PATIENCE : patience);
    }

    /**
     * What has happened and what happens, in order, each event once. Asks nobody before the first {@link EventStream#next}.
     *
     * @param request its page is ignored
     */
    public EventStream events(ListEventsRequest request) {
        return new EventStream(this, request);
    }

    /** A unit's journal. */
    public LogReader journal(JournalRequest request) {
        return LogReader.open(connections, options, FleetGrpc.getJournalMethod(), request);
    }

    /** What systemd says of a unit. */
    public LogReader unitStatus(UnitStatusRequest request) {
        return LogReader.open(connections, options, FleetGrpc.getUnitStatusMethod(), request);
    }

    // -- Engines -----------------------------------------------------------------------------------------------------

    /** Which engine answers, which leads. */
    public VersionResponse version() {
        return join(caller.call(
                FleetGrpc.getVersionMethod(), VersionRequest.getDefaultInstance(), options.requestTimeout()));
    }

    /** How the engine at one of the endpoints sees the cluster; asked once, of that engine alone. */
    public CompletableFuture<StatusResponse> statusAsync(Endpoint endpoint) {
        return caller.callOne(
                ClusterGrpc.getStatusMethod(),
                StatusRequest.getDefaultInstance(),
                options.requestTimeout(),
                indexOf(endpoint));
    }

    /** Hands leadership over, whichever engine leads; see the other. */
    public TransferLeaderResponse transferLeader(String engineId) {
        return transferLeader(engineId, "");
    }

    /**
     * Hands leadership over.
     *
     * @param engineId to which engine; empty: to whichever is most up to date
     * @param from which engine is to hand over, so that a call whose answer was lost is not done once more; empty: whichever leads
     */
    public TransferLeaderResponse transferLeader(String engineId, String from) {
        var request = TransferLeaderRequest.newBuilder()
                .setEngineId(engineId)
                .setFromEngineId(from)
                .build();
        return join(caller.call(ClusterGrpc.getTransferLeaderMethod(), request, options.requestTimeout()));
    }

    /** Units that machines run and the registry does not know. */
    public ListOrphansResponse listOrphans() {
        return join(caller.call(
                ClusterGrpc.getListOrphansMethod(), ListOrphansRequest.getDefaultInstance(), options.requestTimeout()));
    }

    /** Adopts an orphan as it runs, or has it stopped and removed. */
    public SettleOrphanResponse settleOrphan(String machineId, String name, boolean adopt) {
        var request = SettleOrphanRequest.newBuilder()
                .setMachineId(machineId)
                .setName(name)
                .setAdopt(adopt)
                .build();
        return join(caller.call(ClusterGrpc.getSettleOrphanMethod(), request, options.requestTimeout()));
    }

    /**
     * A call about who belongs to the cluster; see {@code access.proto}. One whose answer was lost on the way is sent again.
     *
     * @param method of service {@code Access}
     */
    public <Q, R> R access(MethodDescriptor<Q, R> method, Q request) {
        return join(caller.call(method, request, options.requestTimeout()));
    }

    /** Takes a checkpoint on the engine at one of the endpoints; asked once, of that engine alone. */
    public CompletableFuture<TakeSnapshotResponse> takeSnapshotAsync(Endpoint endpoint, Duration timeout) {
        return caller.callOne(
                ClusterGrpc.getTakeSnapshotMethod(),
                TakeSnapshotRequest.getDefaultInstance(),
                timeout,
                indexOf(endpoint));
    }

    /**
     * Adds and removes engines in one step. When an answer is lost on the way the call is sent again, and may then be refused
     * because it has been done.
     *
     * @param timeout new engines are brought up to date in it
     */
    public ChangeMembersResponse changeMembers(ChangeMembersRequest request, Duration timeout) {
        return join(caller.call(ClusterGrpc.getChangeMembersMethod(), request, timeout));
    }

    /** The bytes of a backup file, from the first engine that makes one. */
    public BackupReader backup() {
        return new BackupReader(connections);
    }

    private int indexOf(Endpoint endpoint) {
        int index = options.endpoints().indexOf(endpoint);
        if (index < 0) {
            throw new IllegalArgumentException(endpoint + " is none of this client's endpoints");
        }
        return index;
    }

    /**
     * Waits for a future of this client.
     *
     * @throws FleetClientException what the future failed with
     */
    public static <T> T join(CompletableFuture<T> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof FleetClientException known) {
                throw known;
            }
            throw new IllegalStateException("unexpected failure of a call", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            future.cancel(false);
            throw new FleetClientException(
                    Status.Code.CANCELLED,
                    "interrupted while waiting for an engine",
                    e,
                    FleetClientException.Fate.UNKNOWN,
                    List.of());
        }
    }

    @Override
    public void close() {
        connections.close();
    }
}
