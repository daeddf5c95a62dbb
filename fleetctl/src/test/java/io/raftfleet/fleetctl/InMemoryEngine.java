package io.raftfleet.fleetctl;

import com.google.common.util.concurrent.Uninterruptibles;
import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.cluster.BackupChunk;
import io.raftfleet.proto.cluster.BackupRequest;
import io.raftfleet.proto.cluster.ChangeMembersRequest;
import io.raftfleet.proto.cluster.ChangeMembersResponse;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.cluster.EngineInfo;
import io.raftfleet.proto.cluster.EngineRole;
import io.raftfleet.proto.cluster.ListOrphansRequest;
import io.raftfleet.proto.cluster.ListOrphansResponse;
import io.raftfleet.proto.cluster.MemoryStatus;
import io.raftfleet.proto.cluster.Orphan;
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
import io.raftfleet.proto.fleet.JournalRequest;
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
import io.raftfleet.proto.fleet.LogChunk;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.PlanRequest;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.fleet.UnitStatusRequest;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** One gRPC server in front of an {@link InMemoryCluster}, which can be told to fail calls before or after they are done. */
final class InMemoryEngine extends FleetGrpc.FleetImplBase implements AutoCloseable {
    private final InMemoryCluster cluster;
    final String id;
    int port;

    @Nullable
    Server server;
    /** How the next call of a method is answered although it was carried out. */
    private final Map<String, Status> lostAnswers = new ConcurrentHashMap<>();

    boolean leads;
    /** Whom this one takes for the leader. */
    private volatile String leaderId = "e1";
    /** Newest entry format that all engines read, as this one says when it leads. */
    int agreedFormat = 1;

    volatile long registryBytes = 10 << 20;

    final List<String> calls = new CopyOnWriteArrayList<>();
    final List<Orphan> orphans = new CopyOnWriteArrayList<>(List.of(Orphan.newBuilder()
            .setName("lost.service")
            .setMachineId("0e1fdc2ba3b94c7f9a4f6f0d5c8e7b03")
            .setActiveState("active")
            .build()));
    final List<String> journal = new ArrayList<>();
    volatile boolean journalStaysOpen;
    volatile ByteString backup = ByteString.EMPTY;
    /** Runs when a backup is asked for. */
    volatile Runnable onBackup = () -> {};
    /** What {@code systemctl status} prints below its first line. */
    volatile String status = "";

    /** It is answered when it was asked for so often. */
    volatile CountDownLatch statusAsked = new CountDownLatch(0);

    private final Set<Watcher> watchers = ConcurrentHashMap.newKeySet();

    InMemoryEngine(InMemoryCluster cluster, String id) {
        this.cluster = cluster;
        this.id = id;
    }

    /** Cuts all connections and listens no more, as a killed process. */
    void kill() throws InterruptedException {
        Server running = server;
        if (running != null) {
            running.shutdownNow().awaitTermination();
        }
    }

    /** Carries the next call of a method out, and answers this. */
    void loseNextAnswer(String method, Status status) {
        lostAnswers.put(method, status);
    }

    private <R> void answer(String method, StreamObserver<R> observer, Supplier<@Nullable R> work) {
        calls.add(method);
        Status failure = lostAnswers.remove(method);
        R response;
        try {
            response = work.get();
        } catch (StatusRuntimeException e) {
            observer.onError(e);
            return;
        }
        if (failure != null) {
            observer.onError(failure.asRuntimeException());
        } else if (response == null) {
            observer.onError(Status.NOT_FOUND.withDescription("no such unit").asRuntimeException());
        } else {
            observer.onNext(response);
            observer.onCompleted();
        }
    }

    @Override
    public void createUnits(CreateUnitsRequest request, StreamObserver<WriteResponse> observer) {
        answer(
                "CreateUnits",
                observer,
                () -> cluster.write(
                        request.getRequestId(),
                        () -> request.getUnitsList().stream()
                                .map(unit -> cluster.create(unit, request.getReplace()))
                                .toList()));
    }

    @Override
    public void setTargetStates(SetTargetStatesRequest request, StreamObserver<WriteResponse> observer) {
        answer(
                "SetTargetStates",
                observer,
                () -> cluster.write(
                        request.getRequestId(),
                        () -> request.getChangesList().stream()
                                .map(cluster::change)
                                .toList()));
    }

    @Override
    public void destroyUnits(DestroyUnitsRequest request, StreamObserver<WriteResponse> observer) {
        answer(
                "DestroyUnits",
                observer,
                () -> cluster.write(
                        request.getRequestId(),
                        () -> request.getNamesList().stream()
                                .map(cluster::destroy)
                                .toList()));
    }

    @Override
    public void patchMachines(PatchMachinesRequest request, StreamObserver<WriteResponse> observer) {
        answer(
                "PatchMachines",
                observer,
                () -> cluster.write(
                        request.getRequestId(),
                        () -> request.getPatchesList().stream()
                                .map(cluster::patch)
                                .toList()));
    }

    /** Units that are refused, and those that find no machine as there is none, are told as such; nobody moves. */
    @Override
    public void plan(PlanRequest request, StreamObserver<PlanResponse> observer) {
        answer("Plan", observer, () -> {
            synchronized (cluster) {
                return cluster.plan(request);
            }
        });
    }

    @Override
    public void startRollout(StartRolloutRequest request, StreamObserver<WriteResponse> observer) {
        answer(
                "StartRollout",
                observer,
                () -> cluster.write(request.getRequestId(), () -> List.of(cluster.rollouts.start(request))));
    }

    @Override
    public void controlRollout(ControlRolloutRequest request, StreamObserver<WriteResponse> observer) {
        answer(
                "ControlRollout",
                observer,
                () -> cluster.write(request.getRequestId(), () -> List.of(cluster.rollouts.control(request))));
    }

    @Override
    public void listRollouts(ListRolloutsRequest request, StreamObserver<ListRolloutsResponse> observer) {
        answer("ListRollouts", observer, () -> {
            synchronized (cluster) {
                return ListRolloutsResponse.newBuilder()
                        .addAllRollouts(cluster.rollouts.list(request.getId()))
                        .setRevision(cluster.revision())
                        .build();
            }
        });
    }

    @Override
    public void getUnit(GetUnitRequest request, StreamObserver<GetUnitResponse> observer) {
        answer("GetUnit", observer, () -> {
            synchronized (cluster) {
                Unit unit = cluster.units.get(request.getName());
                return unit == null
                        ? null
                        : GetUnitResponse.newBuilder()
                                .setUnit(warned(cluster.withDetails(unit, true, true)))
                                .addAllStates(cluster.states.values().stream()
                                        .filter(state -> state.getName().equals(request.getName()))
                                        .toList())
                                .setRevision(cluster.revision())
                                .build();
            }
        });
    }

    @Override
    public void listUnits(ListUnitsRequest request, StreamObserver<ListUnitsResponse> observer) {
        answer("ListUnits", observer, () -> {
            cluster.requireQuorum(request.getRead());
            synchronized (cluster) {
                var selected = named(request.getNamesList());
                var response = ListUnitsResponse.newBuilder().setRevision(cluster.revision());
                response.setNextToken(page(
                        request.getPage(),
                        cluster.units.values(),
                        Unit::getName,
                        unit -> selected.test(unit.getName())
                                && (!request.getWarnedOnly() || cluster.warnings.containsKey(unit.getName()))
                                && (!request.getUnplacedOnly()
                                        || (!unit.getGlobal()
                                                && unit.getMachineId().isEmpty()
                                                && unit.getTargetStateValue() > 1)),
                        unit -> {
                            var row = cluster.withDetails(unit, request.getWithContents(), request.getWithVetoes());
                            boolean warned = request.getWithWarnings() || request.getWarnedOnly();
                            return response.addUnits(warned ? warned(row) : row).getUnitsCount();
                        }));
                return response.build();
            }
        });
    }

    private Unit warned(Unit unit) {
        String warning = cluster.warnings.get(unit.getName());
        return warning == null ? unit : unit.toBuilder().addWarnings(warning).build();
    }

    @Override
    public void listUnitStates(ListUnitStatesRequest request, StreamObserver<ListUnitStatesResponse> observer) {
        answer("ListUnitStates", observer, () -> {
            cluster.requireQuorum(request.getRead());
            synchronized (cluster) {
                var selected = named(request.getNamesList());
                var response = ListUnitStatesResponse.newBuilder().setRevision(cluster.revision());
                response.setNextToken(page(
                        request.getPage(),
                        cluster.states.values(),
                        state -> state.getName() + "\0" + state.getMachineId(),
                        state -> selected.test(state.getName())
                                && (request.getMachineId().isEmpty()
                                        || request.getMachineId().equals(state.getMachineId())),
                        state -> response.addStates(state).getStatesCount()));
                return response.build();
            }
        });
    }

    @Override
    public void listMachines(ListMachinesRequest request, StreamObserver<ListMachinesResponse> observer) {
        answer("ListMachines", observer, () -> {
            cluster.requireQuorum(request.getRead());
            synchronized (cluster) {
                return ListMachinesResponse.newBuilder()
                        .addAllMachines(cluster.machines.values().stream()
                                .filter(machine -> request.getIncludeLost()
                                        || machine.getPresence() == MachinePresence.MACHINE_PRESENCE_PRESENT)
                                .toList())
                        .setRevision(cluster.revision())
                        .build();
            }
        });
    }

    private static <T> String page(
            Page page, Collection<T> rows, Function<T, String> key, Predicate<T> wanted, ToIntFunction<T> add) {
        int size = page.getSize() == 0 ? 1000 : page.getSize();
        String last = "";
        int count = 0;
        for (T row : rows) {
            if (key.apply(row).compareTo(page.getToken()) > 0 && wanted.test(row)) {
                if (count == size) {
                    return last;
                }
                count = add.applyAsInt(row);
                last = key.apply(row);
            }
        }
        return "";
    }

    static Predicate<String> named(List<String> names) {
        List<Glob> globs = new ArrayList<>();
        for (String name : names) {
            try {
                globs.add(Glob.compile(name));
            } catch (InvalidPatternException e) {
                throw Status.INVALID_ARGUMENT.withDescription(e.getMessage()).asRuntimeException();
            }
        }
        var literal = Set.copyOf(names);
        return name -> names.isEmpty()
                || literal.contains(name)
                || globs.stream().anyMatch(glob -> Glob.isPattern(glob.pattern()) && glob.matches(name));
    }

    @Override
    public void listEvents(ListEventsRequest request, StreamObserver<ListEventsResponse> observer) {
        answer("ListEvents", observer, () -> {
            cluster.requireQuorum(request.getRead());
            synchronized (cluster) {
                var selected = named(request.getNamesList());
                var response = ListEventsResponse.newBuilder().setRevision(cluster.revision());
                cluster.events.stream()
                        .filter(event -> event.hasEvent()
                                && event.getRevision().getIndex()
                                        > request.getAfter().getIndex())
                        .map(event -> event.getEvent())
                        .filter(event -> event.getTimeMs() >= request.getSinceMs()
                                && (request.getNamesCount() == 0 || selected.test(event.getUnit()))
                                && (request.getMachineId().isEmpty()
                                        || request.getMachineId().equals(event.getMachineId())))
                        .forEach(response::addEvents);
                return response.build();
            }
        });
    }

    @Override
    public void watch(WatchRequest request, StreamObserver<WatchResponse> observer) {
        calls.add("Watch");
        var watcher = new Watcher(request, (ServerCallStreamObserver<WatchResponse>) observer);
        synchronized (cluster) {
            if (request.getAfter().getIndex() < cluster.compacted) {
                observer.onError(
                        Status.OUT_OF_RANGE.withDescription("COMPACTED").asRuntimeException());
                return;
            }
            watchers.add(watcher);
            watcher.send();
        }
    }

    void wake() {
        watchers.forEach(Watcher::send);
    }

    private final class Watcher {
        private final WatchRequest request;
        private final ServerCallStreamObserver<WatchResponse> observer;
        private int sent;

        Watcher(WatchRequest request, ServerCallStreamObserver<WatchResponse> observer) {
            this.request = request;
            this.observer = observer;
            this.sent = (int) request.getAfter().getIndex();
            observer.setOnCancelHandler(() -> watchers.remove(this));
        }

        void send() {
            synchronized (cluster) {
                var selected = named(request.getNamesList());
                List<WatchEvent> news = cluster.events.subList(sent, cluster.events.size());
                var frame = WatchResponse.newBuilder().setRevision(cluster.revision());
                news.stream()
                        .filter(event -> selected.test(name(event)) && event.hasEvent() == request.getEvents())
                        .forEach(frame::addEvents);
                sent = cluster.events.size();
                if (!observer.isCancelled()) {
                    observer.onNext(frame.build());
                }
            }
        }

        private String name(WatchEvent event) {
            return switch (event.getChangeCase()) {
                case UNIT -> event.getUnit().getName();
                case UNIT_DESTROYED -> event.getUnitDestroyed();
                case UNIT_STATE -> event.getUnitState().getName();
                case EVENT -> event.getEvent().getUnit();
                default -> event.getUnitStateGone().getName();
            };
        }
    }

    @Override
    public void journal(JournalRequest request, StreamObserver<LogChunk> observer) {
        calls.add("Journal " + request.getUnit() + " " + request.getLines() + " " + request.getOutput());
        journal.subList(Math.max(0, journal.size() - request.getLines()), journal.size())
                .forEach(line -> observer.onNext(LogChunk.newBuilder()
                        .setData(ByteString.copyFromUtf8(line + "\n"))
                        .build()));
        if (!journalStaysOpen || !request.getFollow()) {
            observer.onCompleted();
        }
    }

    @Override
    public void unitStatus(UnitStatusRequest request, StreamObserver<LogChunk> observer) {
        calls.add("UnitStatus " + request.getUnit() + " " + request.getMachineId());
        if (cluster.refused.contains(request.getUnit())) {
            observer.onError(Status.PERMISSION_DENIED
                    .withDescription(
                            "user/eve (viewer) may not call UnitStatus: it takes a user with role operator or admin")
                    .asRuntimeException());
            return;
        }
        statusAsked.countDown();
        if (!Uninterruptibles.awaitUninterruptibly(statusAsked, 2, TimeUnit.SECONDS)) {
            observer.onError(
                    Status.NOT_FOUND.withDescription("not asked at once").asRuntimeException());
            return;
        }
        observer.onNext(LogChunk.newBuilder()
                .setData(ByteString.copyFromUtf8("* " + request.getUnit() + "\n" + status))
                .build());
        observer.onCompleted();
    }

    @Override
    public void version(VersionRequest request, StreamObserver<VersionResponse> observer) {
        answer(
                "Version",
                observer,
                () -> VersionResponse.newBuilder()
                        .setVersion("9.9")
                        .setEngineId(id)
                        .setLeaderId(leaderId)
                        .build());
    }

    /** The operators' service. */
    ClusterGrpc.ClusterImplBase cluster() {
        return new ClusterGrpc.ClusterImplBase() {
            @Override
            public void status(StatusRequest request, StreamObserver<StatusResponse> observer) {
                answer(
                        "Status",
                        observer,
                        () -> StatusResponse.newBuilder()
                                .setSelf(EngineInfo.newBuilder()
                                        .setId(id)
                                        .setRole(
                                                leads
                                                        ? EngineRole.ENGINE_ROLE_LEADER
                                                        : EngineRole.ENGINE_ROLE_FOLLOWER))
                                .setTerm(3)
                                .addAllEngines(cluster.engines.stream()
                                        .map(engine -> EngineInfo.newBuilder()
                                                .setId(engine.id)
                                                .setGrpcAddress("127.0.0.1:" + engine.port)
                                                .build())
                                        .toList())
                                .setVersion("9.9")
                                .setMemory(MemoryStatus.newBuilder()
                                        .setHeld(registryBytes)
                                        .setQuota(100 << 20))
                                .setEntryFormat(2)
                                .setAgreedEntryFormat(leads ? agreedFormat : 0)
                                .setAppliedIndex(42)
                                .setLogAppliedIndex(44)
                                .setCommitIndex(44)
                                .setRegistryDigest(ByteString.fromHex("0011223344556677"))
                                .build());
            }

            @Override
            public void listOrphans(ListOrphansRequest request, StreamObserver<ListOrphansResponse> observer) {
                answer(
                        "ListOrphans",
                        observer,
                        () -> ListOrphansResponse.newBuilder()
                                .addAllOrphans(orphans)
                                .build());
            }

            @Override
            public void settleOrphan(SettleOrphanRequest request, StreamObserver<SettleOrphanResponse> observer) {
                answer("SettleOrphan " + request.getName() + " " + request.getMachineId(), observer, () -> {
                    if (cluster.refused.contains(request.getName())) {
                        throw Status.FAILED_PRECONDITION
                                .withDescription("it can't be adopted as it is")
                                .asRuntimeException();
                    }
                    return SettleOrphanResponse.getDefaultInstance();
                });
            }

            @Override
            public void takeSnapshot(TakeSnapshotRequest request, StreamObserver<TakeSnapshotResponse> observer) {
                answer(
                        "TakeSnapshot",
                        observer,
                        () -> TakeSnapshotResponse.newBuilder().setIndex(44).build());
            }

            @Override
            public void changeMembers(ChangeMembersRequest request, StreamObserver<ChangeMembersResponse> observer) {
                answer("ChangeMembers", observer, () -> {
                    if (request.getRemoveList().contains("none")) {
                        throw Status.FAILED_PRECONDITION
                                .withDescription("engine none is no member")
                                .asRuntimeException();
                    }
                    return ChangeMembersResponse.newBuilder()
                            .addAllMembers(request.getAddList())
                            .build();
                });
            }

            @Override
            public void backup(BackupRequest request, StreamObserver<BackupChunk> observer) {
                answer("Backup", observer, () -> {
                    onBackup.run();
                    return BackupChunk.newBuilder().setData(backup).build();
                });
            }

            @Override
            public void transferLeader(TransferLeaderRequest request, StreamObserver<TransferLeaderResponse> observer) {
                answer("TransferLeader", observer, () -> {
                    if (!leaderId.equals(id)) {
                        throw Status.UNAVAILABLE
                                .withDescription("Engine '" + id + "' does not lead and can't hand over.")
                                .asRuntimeException();
                    }
                    leaderId = request.getEngineId().isEmpty() ? "e2" : request.getEngineId();
                    return TransferLeaderResponse.newBuilder()
                            .setLeaderId(leaderId)
                            .build();
                });
            }
        };
    }

    /** Rows for tests that only read. */
    static UnitState state(String name, String machine, String active, String sub) {
        return UnitState.newBuilder()
                .setName(name)
                .setMachineId(machine)
                .setLoadState("loaded")
                .setActiveState(active)
                .setSubState(sub)
                .setHash(InMemoryCluster.hash(name))
                .build();
    }

    @Override
    public void close() {
        watchers.clear();
    }
}
