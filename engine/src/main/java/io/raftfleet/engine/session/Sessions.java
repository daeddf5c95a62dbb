package io.raftfleet.engine.session;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.raftfleet.engine.api.Async;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.Urgency;
import io.raftfleet.engine.trace.UnitTraces;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.BucketDigests;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.agent.Redirect;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.state.Change;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.Digest;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sessions of this engine's agents while it leads. Hears of every applied entry and marks, in the sessions concerned,
 * which units' orders may have changed.
 *
 * <p>Holds nothing that changes: which session a machine has is {@link MachineSessions}' to say, and a session guards itself.
 */
public final class Sessions implements Registry.Listener {
    private static final Logger log = LoggerFactory.getLogger(Sessions.class);
    private static final Pattern MACHINE_ID = Pattern.compile("[0-9a-f]{32}");
    private static final int MAX_METADATA = 1000;
    /** Of a session that was not told something: in its next, its agent is told of all that differs. */
    static final Status LOST_TRACK =
            Status.UNAVAILABLE.withDescription("the engine lost track of what it has to tell: open a new session");

    static final Metadata.Key<Redirect> REDIRECT =
            Metadata.Key.of("raftfleet-redirect-bin", ProtoUtils.metadataMarshaller(Redirect.getDefaultInstance()));

    /**
     * How long things take.
     *
     * @param ttl after this long without a heartbeat a machine is lost
     * @param heartbeat how often agents send one
     * @param silence with nothing from the engine for this long, agents ask all engines who leads
     */
    public record Timing(Duration ttl, Duration heartbeat, Duration silence) {
        private static final Duration SECOND = Duration.ofSeconds(1);
        private static final Duration LONGEST = Duration.ofSeconds(5);

        /**
         * What goes with a TTL: ten heartbeats, fewer where they would come more than once a second, but three, and one in 5 s at least.
         * They need not show an agent soon that its leader is gone or cut off: the next leader tells every agent at once.
         */
        public static Timing of(Duration ttl) {
            var heartbeat = min(max(ttl.dividedBy(10), min(ttl.dividedBy(3), SECOND)), LONGEST);
            return new Timing(ttl, heartbeat, heartbeat.multipliedBy(5).dividedBy(2));
        }

        private static Duration min(Duration a, Duration b) {
            return a.compareTo(b) < 0 ? a : b;
        }

        private static Duration max(Duration a, Duration b) {
            return a.compareTo(b) > 0 ? a : b;
        }

        /**
         * From one question to the quorum to the next, at least, whatever heartbeats come meanwhile ({@link SharedConfirmations}): so much
         * later they are answered, which agents' leases and silences leave room for.
         */
        public Duration betweenConfirmations() {
            return heartbeat.dividedBy(4);
        }

        /** Machines of which none is heard any more were heard last within so long of each other. */
        Duration atOnce() {
            return min(heartbeat.multipliedBy(2), ttl.dividedBy(2));
        }
    }

    private final String clusterId;
    private final Registry registry;
    private final Controller controller;
    private final LeadershipCheck check;
    private final Timing timing;
    private final LongSupplier nanoClock;
    private final Executor flusher;
    private final MachineSessions<AgentSession> machines;
    private final AwaitedMachines awaited;
    /** Null where traces are off. */
    private final @Nullable UnitTraces traces;

    /** Without traces. */
    public Sessions(
            String clusterId,
            Registry registry,
            Controller controller,
            LeadershipCheck check,
            Timing timing,
            LongSupplier nanoClock,
            Executor flusher) {
        this(clusterId, registry, controller, check, timing, nanoClock, flusher, null);
    }

    /**
     * @param flusher runs short tasks that write to sessions; more than one at a time is fine
     * @param traces follows units to their machines; null for nobody
     */
    public Sessions(
            String clusterId,
            Registry registry,
            Controller controller,
            LeadershipCheck check,
            Timing timing,
            LongSupplier nanoClock,
            Executor flusher,
            @Nullable UnitTraces traces) {
        this.clusterId = clusterId;
        this.registry = registry;
        this.controller = controller;
        this.awaited = new AwaitedMachines(registry, controller);
        this.check = check;
        this.timing = timing;
        this.machines = new MachineSessions<>(timing.ttl());
        this.nanoClock = nanoClock;
        this.flusher = flusher;
        this.traces = traces;
    }

    /** This engine has begun to lead: sessions are welcome, and nobody is lost before a full TTL. */
    public void begin(long term) {
        machines.begin(
                term,
                registry.read(view -> view.machines().values().stream()
                        .filter(MachineRecord::present)
                        .collect(Collectors.toMap(MachineRecord::id, Sessions::present))),
                nanoClock.getAsLong());
        awaited.begin(machines.grace());
    }

    /** This engine leads no longer: every agent is sent to look for who does. */
    public void end() {
        machines.end().forEach(session -> flusher.execute(() -> session.refuse(notLeading(), redirect())));
    }

    /** The session in which a machine's agent hears what it is told; null when it is not connected here. */
    @Nullable
    AgentSession get(String machineId) {
        return machines.open(machineId);
    }

    Metadata redirect() {
        var trailers = new Metadata();
        trailers.put(
                REDIRECT,
                Redirect.newBuilder()
                        .setLeaderGrpc(check.leaderGrpc())
                        .setTerm(check.term())
                        .build());
        return trailers;
    }

    static Status notLeading() {
        return Status.FAILED_PRECONDITION.withDescription("this engine does not lead: follow the redirect");
    }

    MachineSessions<AgentSession> machines() {
        return machines;
    }

    Timing timing() {
        return timing;
    }

    /** Whether this engine leads, and takes sessions. */
    public boolean leading() {
        return machines.term() != 0;
    }

    /** How many agents are in session, or on their way into one; 0 while this engine does not lead. */
    public int size() {
        return machines.attended();
    }

    // --- What agents say -------------------------------------------------------------------------------------------

    void hello(AgentSession session, Hello hello) {
        if (!leading()) {
            session.refuse(notLeading(), redirect());
            return;
        }
        var refusal = refusal(hello);
        if (refusal != null) {
            refuse(session, hello, refusal);
            return;
        }
        var agent = new MachineSessions.Agent(hello.getAgentInstance(), hello.getPrimaryIp());
        switch (machines.claim(hello.getMachineId(), agent, session, () -> open(hello))) {
            case MachineSessions.Claim.NotLeading<AgentSession> none -> session.refuse(notLeading(), redirect());
            case MachineSessions.Claim.Held<AgentSession> held ->
                refuse(session, hello, duplicate(hello, held.address()));
            case MachineSessions.Claim.Granted<AgentSession> granted -> {
                var displaced = granted.displaced();
                if (displaced != null) {
                    displaced.refuse(Status.CANCELLED.withDescription("the agent has opened another session"));
                }
                Async.whenDone(granted.epoch(), (epoch, failure) -> opened(session, hello, epoch, failure));
            }
        }
    }

    private CompletableFuture<Long> open(Hello hello) {
        return controller.openSession(SessionOpened.newBuilder()
                .setMachineId(hello.getMachineId())
                .setPrimaryIp(hello.getPrimaryIp())
                .putAllMetadata(hello.getMetadataMap())
                .setVersion(hello.getVersion())
                .setAgentInstance(hello.getAgentInstance())
                .setBootId(hello.getBootId())
                .build());
    }

    private void opened(AgentSession session, Hello hello, Long epoch, @Nullable Throwable failure) {
        if (failure != null) {
            refuse(session, failure);
        } else if (machines.opened(hello.getMachineId(), session, epoch)) {
            welcome(session, hello, epoch);
        } else {
            refuseOutsider(session);
        }
    }

    /** One that is not its machine's session: the machine counts as lost, or the leadership ended, which is told by the redirect. */
    private void refuseOutsider(AgentSession session) {
        if (leading()) {
            session.refuse(countsAsLost(session.machineId()));
        } else {
            session.refuse(notLeading(), redirect());
        }
    }

    /** What a session waited for was not decided. A full queue is no reason to look for another leader. */
    private void refuse(AgentSession session, Throwable failure) {
        if (failure instanceof StatusRuntimeException refused) {
            session.refuse(refused.getStatus());
        } else {
            session.refuse(notLeading(), redirect());
        }
    }

    private static void refuse(AgentSession session, Hello hello, Status why) {
        log.warn(
                "refused the session of machine {} at {}: {}",
                hello.getMachineId(),
                hello.getPrimaryIp(),
                why.getDescription());
        session.refuse(why);
    }

    void heartbeat(AgentSession session, long sequence) {
        if (!machines.heard(session.machineId(), session, nanoClock.getAsLong())) {
            refuseOutsider(session);
            return;
        }
        Async.whenDone(check.confirm(), (confirmed, failure) -> {
            // Not confirmed: no acknowledgement, and the agent looks for the leader when it has waited long enough.
            if (failure == null) {
                session.acknowledgeHeartbeat(sequence);
            }
        });
    }

    void report(AgentSession session, StateReport report, Urgency urgency) {
        if (traces != null) {
            traces.arrived(report);
        }
        var record = ReportRecords.of(session.machineId(), report);
        var queued = machines.inSession(session.machineId(), session, () -> controller.report(record, urgency));
        if (queued == null) {
            refuseOutsider(session);
            return;
        }
        Async.whenDone(queued, (committed, failure) -> {
            if (failure == null) {
                session.acknowledge(report);
            } else {
                refuse(session, failure);
            }
        });
    }

    /**
     * A session's agent has said all that it has. While machines of a restored registry are awaited that is decided on: what is found
     * elsewhere than the registry has it stays, or leaves before it is started there.
     *
     * @param held names of the agent's inventory that the answer held back
     */
    void told(AgentSession session, long epoch, Collection<String> held) {
        var machine = session.machineId();
        var queued = machines.inSession(machine, session, () -> awaited.told(machine, epoch, held));
        if (queued == null) {
            refuseOutsider(session); // It tells again in its next session.
            return;
        }
        Async.whenDone(queued, (committed, failure) -> {
            if (failure != null) {
                refuse(session, failure); // The same.
            }
        });
    }

    /** The time is over in which awaited machines could tell what they run. */
    void stopWaiting() {
        awaited.giveUp(machines.grace());
    }

    boolean crowded() {
        return controller.crowded();
    }

    List<String> differing(String machineId, Inventory inventory) {
        return forMachine(machineId, List.of(), view -> machine -> Assignments.differing(view, machine, inventory));
    }

    AssignmentDelta answer(String machineId, Collection<String> names) {
        return traced(
                machineId,
                forMachine(
                        machineId,
                        AssignmentDelta.getDefaultInstance(),
                        view -> machine -> Assignments.answer(view, machine, names)));
    }

    AssignmentDelta delta(String machineId, Collection<String> names) {
        return traced(
                machineId,
                forMachine(
                        machineId,
                        AssignmentDelta.getDefaultInstance(),
                        view -> machine -> Assignments.delta(view, machine, names)));
    }

    private AssignmentDelta traced(String machineId, AssignmentDelta orders) {
        return traces == null ? orders : traces.tracing(machineId, orders);
    }

    BucketDigests digests(String machineId) {
        return forMachine(machineId, BucketDigests.getDefaultInstance(), view -> machine -> {
            var assignments = Assignments.digest(view, machine);
            var states = view.statesDigest(machineId);
            var digests = BucketDigests.newBuilder();
            for (int bucket = 0; bucket < Digest.BUCKETS; bucket++) {
                digests.addAssignments(assignments.bucketDigest(bucket));
                digests.addStates(states == null ? 0 : states.bucketDigest(bucket));
            }
            return digests.build();
        });
    }

    void ended(AgentSession session) {
        machines.ended(session.machineId(), session);
    }

    private @Nullable Status refusal(Hello hello) {
        if (!MACHINE_ID.matcher(hello.getMachineId()).matches()) {
            return Status.INVALID_ARGUMENT.withDescription("machine id \"" + hello.getMachineId()
                    + "\" is not 32 lower-case hexadecimal digits, as in /etc/machine-id");
        }
        if (!hello.getClusterId().isEmpty() && !hello.getClusterId().equals(clusterId)) {
            return Status.FAILED_PRECONDITION.withDescription("machine " + hello.getMachineId() + " belongs to cluster "
                    + hello.getClusterId() + "; this is cluster " + clusterId);
        }
        if (hello.getMetadataCount() > MAX_METADATA) {
            return Status.INVALID_ARGUMENT.withDescription("machine " + hello.getMachineId() + " has "
                    + hello.getMetadataCount() + " metadata keys; at most " + MAX_METADATA + " are allowed");
        }
        return null;
    }

    private static Status duplicate(Hello hello, String otherAddress) {
        return Status.ALREADY_EXISTS.withDescription("machine id " + hello.getMachineId() + " of the agent at "
                + hello.getPrimaryIp() + " is in use by the live agent at " + otherAddress
                + ": give each machine an id of its own (/etc/machine-id, --machine-id)");
    }

    static Status countsAsLost(String machineId) {
        return Status.UNAVAILABLE.withDescription(
                "machine " + machineId + " was not heard in time and counts as lost: open a new session");
    }

    private void welcome(AgentSession session, Hello hello, long epoch) {
        var id = hello.getMachineId();
        var welcome = Welcome.newBuilder()
                .setClusterId(clusterId)
                .setTerm(machines.term())
                .setSessionEpoch(epoch)
                .setTtlMs((int) timing.ttl().toMillis())
                .setHeartbeatIntervalMs((int) timing.heartbeat().toMillis())
                .setSilenceLimitMs((int) timing.silence().toMillis())
                .setMaxStatesPerReport(AgentSession.MAX_STATES);
        var leaving = registry.read(view -> {
            var machine = view.machine(id);
            var states = view.statesDigest(id);
            welcome.setIncarnation(view.incarnation())
                    .setAssignmentsMatch(machine != null
                            && Assignments.digest(view, machine).whole() == hello.getAssignmentsDigest())
                    .setStatesMatch((states == null ? 0 : states.whole()) == hello.getStatesDigest());
            return Set.copyOf(view.departuresFrom(id));
        });
        session.welcome(welcome.build(), leaving);
        log.info(
                "machine {} at {} has opened session {} with {} units{}",
                id,
                hello.getPrimaryIp(),
                epoch,
                Integer.toUnsignedString(hello.getUnits()),
                welcome.getAssignmentsMatch() && welcome.getStatesMatch() ? ", all as known" : "");
    }

    private <T> T forMachine(String machineId, T otherwise, Function<RegistryView, Function<MachineRecord, T>> read) {
        return registry.read(view -> {
            var machine = view.machine(machineId);
            return machine == null ? otherwise : read.apply(view).apply(machine);
        });
    }

    // --- What the registry says ------------------------------------------------------------------------------------

    @Override
    public void applied(Registry.Applied applied) {
        if (!leading()) {
            return;
        }
        for (var change : applied.changes()) {
            if (change instanceof Change.OfMachine machine) {
                comesOrGoes(machine);
            }
        }
        var concerned = new LinkedHashSet<AgentSession>();
        registry.read(view -> {
            for (var change : applied.changes()) {
                mark(view, change, concerned);
            }
            return concerned;
        });
        awaited.say(applied.changes());
        if (!concerned.isEmpty()) {
            flusher.execute(() -> concerned.forEach(AgentSession::flush));
        }
    }

    /** Not to be called while the registry is read. */
    private void comesOrGoes(Change.OfMachine change) {
        var before = change.before();
        var after = change.after();
        AgentSession over = null;
        if (!after.present()) {
            over = machines.lost(after.id());
        } else if (before == null || !before.present() || before.sessionEpoch() != after.sessionEpoch()) {
            over = machines.present(after.id(), present(after), nanoClock.getAsLong());
        }
        if (over != null) {
            refuseSoon(over, after.id());
        }
    }

    private static MachineSessions.Present present(MachineRecord machine) {
        return new MachineSessions.Present(
                machine.sessionEpoch(), new MachineSessions.Agent(machine.agentInstance(), machine.primaryIp()));
    }

    /** Its machine was given up. */
    void refuseSoon(AgentSession session, String machineId) {
        flusher.execute(() -> session.refuse(countsAsLost(machineId)));
    }

    /** Nobody knows which orders were not told: agents that come back are told what differs. */
    @Override
    public void missed(Registry.Applied applied) {
        machines.sessions().forEach(session -> flusher.execute(() -> session.refuse(LOST_TRACK)));
    }

    private void mark(RegistryView view, Change change, Set<AgentSession> concerned) {
        switch (change) {
            case Change.OfUnit unit -> {
                var before = unit.before();
                var after = unit.after();
                if (before == null || after == null || !before.asksTheSameAs(after)) {
                    mark(before, concerned);
                    mark(after, concerned);
                    markLeaving(view, before, concerned);
                }
            }
            case Change.OfDeparture departure -> {
                mark(machines.session(departure.machineId()), departure.name(), concerned);
                if (!departure.pending()) {
                    released(view, departure.name(), concerned);
                }
            }
            case Change.OfMachine machine -> mark(view, machine, concerned);
            case Change.OfState reported -> {
                var state = reported.state();
                markLeaving(view, view.unit(state.getName()), concerned);
                if (view.awaitedMachines() > 0) {
                    // What runs there is not held back.
                    mark(machines.session(state.getMachineId()), state.getName(), concerned);
                }
            }
            case Change.OfStateGone gone -> {}
            case Change.OfEvent event -> {}
            case Change.OfMachineGone gone -> {} // It had no session, and what it had to let go of is told by itself.
        }
    }

    private void mark(RegistryView view, Change.OfMachine change, Set<AgentSession> concerned) {
        var before = change.before();
        var after = change.after();
        var session = machines.session(after.id());
        if (before != null
                && (!before.metadata().equals(after.metadata())
                        || before.mark().endsGlobals() != after.mark().endsGlobals())) {
            view.wantedGlobals().forEach(name -> mark(session, name, concerned));
        }
        if (before != null && !before.mark().equals(after.mark())) {
            // Of what runs on there until it is up elsewhere.
            view.departuresFrom(after.id()).forEach(name -> mark(session, name, concerned));
        }
        if (!after.present()) {
            view.departuresFrom(after.id()).forEach(name -> released(view, name, concerned));
        }
        if (AwaitedMachines.endsWait(change) && view.awaitedMachines() == 0) {
            machines.sessions().forEach(each -> startsNow(view, each, concerned));
        }
    }

    /** What was held back for machines that were awaited. */
    private static void startsNow(RegistryView view, AgentSession session, Set<AgentSession> concerned) {
        var id = session.machineId();
        for (var name : view.scheduledTo(id)) {
            var unit = view.unit(name);
            if (unit != null && !view.runsAsWanted(unit, id)) {
                mark(session, name, concerned);
            }
        }
    }

    /** A unit's order may have changed on every machine that it is, or was, to be on. */
    private void mark(@Nullable UnitRecord unit, Set<AgentSession> concerned) {
        if (unit == null) {
            return;
        }
        if (unit.global()) {
            machines.sessions().forEach(session -> mark(session, unit.name(), concerned));
        } else if (unit.machineId() != null) {
            mark(machines.session(unit.machineId()), unit.name(), concerned);
        }
    }

    /** A unit that is to be up elsewhere before it leaves a machine may be so now, or be wanted no longer. */
    private void markLeaving(RegistryView view, @Nullable UnitRecord unit, Set<AgentSession> concerned) {
        if (unit != null && unit.wants().startFirst()) {
            view.departures(unit.name()).forEach(id -> mark(machines.session(id), unit.name(), concerned));
        }
    }

    /** A unit is held back no longer by a machine that it had to leave. */
    private void released(RegistryView view, String name, Set<AgentSession> concerned) {
        var unit = view.unit(name);
        if (unit != null && unit.machineId() != null) {
            mark(machines.session(unit.machineId()), name, concerned);
        }
    }

    private static void mark(@Nullable AgentSession session, String name, Set<AgentSession> concerned) {
        if (session != null) {
            session.mark(name);
            concerned.add(session);
        }
    }
}
