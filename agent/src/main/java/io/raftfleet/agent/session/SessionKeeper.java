package io.raftfleet.agent.session;

import io.grpc.Metadata;
import io.grpc.Status;
import io.raftfleet.agent.loop.Backoff;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Redirect;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a machine in session with the leader: finds it, follows it when it changes, and never gives up except for a machine
 * id that another agent holds. Owned by the machine's loop; {@link #lease()} may be read by any thread.
 */
public final class SessionKeeper implements EngineSession.Events {
    private static final Logger log = LoggerFactory.getLogger(SessionKeeper.class);
    private static final int MAX_REDIRECTS = 3;
    /**
     * A leader that is asked by many machines at once answers late; were each to come back as early again, it would never be through
     * with them. So one that does not answer has twice as long the next time, so often. Who leads instead is heard of meanwhile.
     */
    private static final int PATIENCE_DOUBLINGS = 3;

    private final Loop loop;
    private final EngineChannels engines;
    private final LeaderFinder finder;
    private final MachineSide machine;
    private final ClusterMemory.Keeper memoryKeeper;
    private final Consumer<String> onFatal;
    private final RandomGenerator random;
    private final LogUploads logs;
    private final Lease lease = new Lease();
    private final Backoff backoff;
    private final Absence absence;

    private SessionConfig config;
    private ClusterMemory memory;
    private @Nullable EngineSession attempt;
    private @Nullable OpenSession open;
    private Loop.@Nullable Timer timer;
    private final CompletableFuture<Void> finished = new CompletableFuture<>();
    private final CompletableFuture<Void> firstSession = new CompletableFuture<>();
    private boolean searching;
    private boolean stopping;
    /** Hellos in a row that no engine answered in time. */
    private int unanswered;

    private long sessions;
    private int redirects;
    private int duplicates;
    private @Nullable String lastRefusal;
    private long lostAt;

    /**
     * A keeper that does nothing until {@link #start}.
     *
     * @param onFatal told why the agent must end: another live agent holds the machine id
     */
    public SessionKeeper(
            Loop loop,
            LeaderFinder finder,
            SessionConfig config,
            MachineSide machine,
            ClusterMemory.Keeper memoryKeeper,
            Consumer<String> onFatal,
            RandomGenerator random) {
        this.loop = loop;
        this.engines = finder.engines();
        this.finder = finder;
        this.config = config;
        this.machine = machine;
        this.memoryKeeper = memoryKeeper;
        this.onFatal = onFatal;
        this.random = random;
        this.memory = memoryKeeper.load();
        this.absence = new Absence(loop, lease, line -> log.warn("{}: {}", config.machineId(), line));
        this.logs = new LogUploads(machine.logs(), config.limits().logs());
        this.backoff = new Backoff(config.limits().retryFirst(), config.limits().retryLimit(), random);
        machine.reports().connect(this::flush, machine.handler()::goneCommitted);
    }

    /** Starts looking for the leader. */
    public void start() {
        loop.execute(() -> {
            lostAt = loop.nanoTime();
            absence.begins(Duration.ZERO);
            search();
        });
    }

    /**
     * Announces another address and other metadata. They are part of a session's beginning: where there is a session, it gives way
     * to another one with the same engine. Units are left alone.
     */
    public void announce(String primaryIp, Map<String, String> metadata) {
        loop.execute(() -> {
            SessionConfig next = config.announcing(primaryIp, metadata);
            if (next.equals(config)) {
                return;
            }
            config = next;
            OpenSession session = open;
            EngineSession trying = attempt;
            if (session != null && !stopping) {
                session.session().cancel("this machine announces something else");
                lost();
                connect(session.session().address());
            } else if (trying != null && !stopping) {
                connect(trying.address());
            }
        });
    }

    /** Ends the session in order; completes when the engine has ended it too, or broke. Units keep running. */
    public CompletableFuture<Void> stop() {
        loop.execute(() -> {
            stopping = true;
            var unused = absence.ends();
            cancelTimer();
            logs.close();
            if (open != null) {
                open.session().finish();
            } else {
                giveUpAttempt("the agent ends");
                finished.complete(null);
            }
        });
        return finished;
    }

    /** Completes when an engine has welcomed this machine for the first time. */
    public CompletableFuture<Void> firstSession() {
        return firstSession.copy();
    }

    /** Whether an engine has welcomed this machine, and the session goes on. To be called on the loop. */
    public boolean inSession() {
        return open != null;
    }

    /** How many sessions there were, with the one that goes on. To be called on the loop. */
    public long sessions() {
        return sessions;
    }

    /** How long the leader certainly counts this machine as present. */
    public Lease lease() {
        return lease;
    }

    /** Fetches contents over the session; all fail at once when there is none. To be called on the loop. */
    public Map<UnitHash, CompletableFuture<UnitFile>> fetch(List<UnitHash> hashes) {
        OpenSession session = open;
        if (session == null) {
            return ContentsClient.unavailable(hashes);
        }
        return new ContentsClient(
                        session.session().channel(),
                        config.machineId(),
                        session.epoch(),
                        config.limits().fetch())
                .fetch(hashes);
    }

    private void search() {
        if (searching || stopping) {
            return;
        }
        searching = true;
        loop.whenDone(finder.ask(), (answers, failure) -> found(answers == null ? List.of() : answers));
    }

    /** An engine says that it leads. May be called by any thread. */
    public void heard(LeaderFinder.Answer news) {
        loop.execute(() -> {
            LeaderChoice choice = LeaderChoice.of(List.of(news), memory, engines.configured());
            if (stopping || choice.address() == null || leave(choice) || open != null) {
                return;
            }
            if (attempt == null || !attempt.address().equals(choice.address())) {
                connect(choice.address());
            }
        });
    }

    /** Goes over to a leader of a higher term than the session's; false when there is no session, or no such leader. */
    private boolean leave(LeaderChoice choice) {
        OpenSession session = open;
        if (session == null || choice.address() == null || choice.term() <= session.term()) {
            return false;
        }
        log.info(
                "{}: {} leads in term {}; leaving {}, which led in term {}",
                config.machineId(),
                choice.address(),
                choice.term(),
                session.session().address(),
                session.term());
        session.session().cancel("another engine leads");
        lost();
        connect(choice.address());
        return true;
    }

    private void found(List<LeaderFinder.Answer> answers) {
        searching = false;
        if (stopping) {
            return;
        }
        absence.heard(answers, engines.configured());
        LeaderChoice choice = LeaderChoice.of(answers, memory, engines.configured());
        OpenSession session = open;
        if (session != null) {
            if (!leave(choice)) {
                session.stillSilent(choice.address() != null);
            }
            return;
        }
        if (attempt != null) {
            return;
        }
        if (choice.address() != null) {
            connect(choice.address());
        } else if (choice.refused() != null) {
            refuse(choice.refused(), true);
        } else {
            retry(backoff.next());
        }
    }

    private void connect(String address) {
        giveUpAttempt("another try");
        cancelTimer();
        EngineSession session = new EngineSession(loop, engines.to(address), address, this);
        attempt = session;
        Duration patience = config.limits().welcome().multipliedBy(1L << Math.min(unanswered, PATIENCE_DOUBLINGS));
        timer = loop.schedule(patience, () -> {
            log.warn(
                    "{}: {} did not answer within {} ms; asking all engines again",
                    config.machineId(),
                    address,
                    patience.toMillis());
            unanswered++;
            giveUpAttempt("no answer");
            retry(backoff.next());
        });
        Hello.Builder hello = Hello.newBuilder()
                .setMachineId(config.machineId())
                .setPrimaryIp(config.primaryIp())
                .putAllMetadata(config.metadata())
                .setVersion(config.version())
                .setAgentInstance(config.instance())
                .setClusterId(memory.clusterId())
                .setIncarnation(memory.incarnation())
                .setTerm(memory.term());
        machine.handler().describe(hello);
        session.open(hello.build());
    }

    @Override
    public void frame(EngineSession session, EngineFrame frame) {
        OpenSession current = open;
        if (current != null && current.session() == session) {
            current.frame(frame);
        } else if (session == attempt && frame.hasWelcome()) {
            welcomed(session, frame.getWelcome());
        } else {
            log.warn(
                    "{}: {} sent {} before it said welcome; ignored",
                    config.machineId(),
                    session.address(),
                    frame.getFrameCase());
        }
    }

    private void welcomed(EngineSession session, Welcome welcome) {
        if (memory.foreign(welcome.getClusterId(), welcome.getIncarnation())) {
            giveUpAttempt("another cluster");
            refuse(
                    LeaderChoice.foreign(session.address(), welcome.getClusterId(), welcome.getIncarnation(), memory),
                    true);
            return;
        }
        if (memory.outdated(welcome.getIncarnation(), welcome.getTerm())) {
            giveUpAttempt("a lower term");
            refuse(
                    "the engine at " + session.address() + " leads in term " + welcome.getTerm()
                            + ", but this machine has seen term " + memory.term() + ": it does not lead any more",
                    false);
            return;
        }
        attempt = null;
        cancelTimer();
        var unused = absence.ends();
        unanswered = 0;
        redirects = 0;
        duplicates = 0;
        lastRefusal = null;
        ClusterMemory seen = new ClusterMemory(welcome.getClusterId(), welcome.getIncarnation(), welcome.getTerm());
        if (!seen.equals(memory)) {
            memory = seen;
            memoryKeeper.keep(seen);
        }
        log.info(
                "{}: in session with {}, term {}, epoch {}, after {} ms",
                config.machineId(),
                session.address(),
                welcome.getTerm(),
                welcome.getSessionEpoch(),
                Duration.ofNanos(loop.nanoTime() - lostAt).toMillis());
        firstSession.complete(null);
        OpenSession opened = new OpenSession(loop, session, welcome, machine, lease, logs, random, new Silence());
        open = opened;
        sessions++;
        opened.start();
        machine.handler().opened(welcome);
        flush();
    }

    /** What is done about an engine that sends nothing. */
    private final class Silence implements OpenSession.Silence {
        @Override
        public void begun(Duration quiet) {
            absence.begins(quiet);
            search();
        }

        @Override
        public void over() {
            absence.ends()
                    .ifPresent(quiet -> log.info("{}: heard again after {} s", config.machineId(), quiet.toSeconds()));
        }

        @Override
        public void lasting() {
            silentForLong();
        }
    }

    private void silentForLong() {
        OpenSession session = open;
        if (session != null) {
            log.warn(
                    "{}: {} says that it leads but its session stays silent; opening another",
                    config.machineId(),
                    session.session().address());
            session.session().cancel("silent");
            lost();
            search();
        }
    }

    @Override
    public void broken(EngineSession session, Status status, Metadata trailers) {
        if (open != null && open.session() == session) {
            boolean settled = open.lasted(config.limits().settled());
            log.info("{}: the session with {} ended: {}", config.machineId(), session.address(), text(status));
            lost();
            if (stopping) {
                var unused = absence.ends();
                finished.complete(null);
            } else if (settled) {
                backoff.reset();
                follow(trailers);
            } else {
                retry(backoff.next());
            }
        } else if (session == attempt) {
            attempt = null;
            cancelTimer();
            if (stopping) {
                finished.complete(null);
            } else if (status.getCode() == Status.Code.ALREADY_EXISTS) {
                duplicate(session.address(), status);
            } else if (status.getCode() == Status.Code.PERMISSION_DENIED
                    || status.getCode() == Status.Code.UNAUTHENTICATED) {
                refuse("the engine at " + session.address() + " refuses the session: " + text(status), false);
            } else {
                log.debug("{}: {} did not open a session: {}", config.machineId(), session.address(), text(status));
                follow(trailers);
            }
        }
    }

    /** Goes where a redirect points, a few times in a row at most; otherwise asks all engines. */
    private void follow(Metadata trailers) {
        Redirect redirect = trailers.get(EngineSession.REDIRECT);
        boolean useful = redirect != null
                && !redirect.getLeaderGrpc().isEmpty()
                && Long.compareUnsigned(redirect.getTerm(), memory.term()) >= 0;
        if (redirect != null && useful && redirects < MAX_REDIRECTS) {
            redirects++;
            connect(redirect.getLeaderGrpc());
        } else {
            redirects = 0;
            retry(open == null && lostNow() ? Duration.ZERO : backoff.next());
        }
    }

    /** Whether the session was lost in this very moment: the first question costs no wait. */
    private boolean lostNow() {
        return loop.nanoTime() - lostAt < config.limits().retryFirst().toNanos();
    }

    private void duplicate(String address, Status status) {
        duplicates++;
        String message = "machine id " + config.machineId() + " of this machine (address "
                + (config.primaryIp().isEmpty() ? "unknown" : config.primaryIp())
                + ") is in use by another live agent, says the engine at " + address + ": " + text(status)
                + "; give each machine its own id, or stop the other agent";
        if (!message.equals(lastRefusal)) {
            log.error("{}", message);
            lastRefusal = message;
        }
        if (!firstSession.isDone() && duplicates >= config.limits().duplicateTries()) {
            stopping = true;
            var unused = absence.ends();
            finished.complete(null);
            onFatal.accept(message);
        } else {
            retry(config.limits().duplicateRetry());
        }
    }

    private void refuse(String reason, boolean foreign) {
        if (!reason.equals(lastRefusal)) {
            log.error("{}: {}", config.machineId(), reason);
            lastRefusal = reason;
        }
        Duration wait = backoff.next();
        boolean patient = foreign && wait.compareTo(config.limits().retryLimit().dividedBy(2)) >= 0;
        retry(patient ? config.limits().foreignRetry() : wait);
    }

    private void lost() {
        if (open != null) {
            open.end();
            open = null;
        }
        lostAt = loop.nanoTime();
        absence.begins(Duration.ZERO);
        logs.close();
        machine.reports().sessionEnded();
        machine.handler().closed();
    }

    private void retry(Duration wait) {
        cancelTimer();
        if (wait.isZero()) {
            search();
        } else {
            timer = loop.schedule(wait, this::search);
        }
    }

    private void flush() {
        if (open != null) {
            open.flush();
        }
    }

    private void giveUpAttempt(String reason) {
        if (attempt != null) {
            attempt.cancel(reason);
            attempt = null;
        }
    }

    private void cancelTimer() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }

    private static String text(Status status) {
        return status.getDescription() == null
                ? status.getCode().toString()
                : status.getCode() + ": " + status.getDescription();
    }
}
