package io.raftfleet.engine.server;

import com.google.common.net.HostAndPort;
import io.grpc.ServerInterceptor;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.raftfleet.engine.access.Authorization;
import io.raftfleet.engine.access.PageLogins;
import io.raftfleet.engine.admission.Admission;
import io.raftfleet.engine.admission.AdmissionLimits;
import io.raftfleet.engine.admission.GrpcServer;
import io.raftfleet.engine.api.Async;
import io.raftfleet.engine.api.EngineHealth;
import io.raftfleet.engine.control.ClusterTime;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.engine.http.BrowserGuard;
import io.raftfleet.engine.http.Deadlines;
import io.raftfleet.engine.http.FleetHttp;
import io.raftfleet.engine.http.HttpServers;
import io.raftfleet.engine.http.HttpSettings;
import io.raftfleet.engine.http.LoginResource;
import io.raftfleet.engine.metrics.EngineMetrics;
import io.raftfleet.engine.mirror.Restoration;
import io.raftfleet.engine.session.AgentGatewayService;
import io.raftfleet.engine.session.LeadershipCheck;
import io.raftfleet.engine.session.LivenessMonitor;
import io.raftfleet.engine.session.LogBroker;
import io.raftfleet.engine.session.Sessions;
import io.raftfleet.engine.session.SharedConfirmations;
import io.raftfleet.engine.trace.CallTraces;
import io.raftfleet.engine.trace.UnitTraces;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.join.Renewal;
import io.raftfleet.identity.tls.EngineDialer;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.settings.service.Answers;
import io.raftfleet.settings.service.Progress;
import io.raftfleet.settings.service.Watchdog;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.state.raft.RaftListener;
import io.raftfleet.state.raft.RaftNode;
import io.raftfleet.traces.Traces;
import io.raftfleet.unit.tasks.Ticker;
import io.raftfleet.unit.tasks.WatchedTimer;
import java.io.IOException;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One engine, put together: registry and Raft below, the decision thread and the agents' sessions above them, and what
 * clients talk to on top. Started and closed by one thread.
 */
final class Engine implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Engine.class);

    /** Changes that watches can resume from. */
    private static final int EVENT_WINDOW = 1 << 17;
    /** The largest gRPC answer taken from another engine. */
    private static final int MAX_MESSAGE = 16 * 1024 * 1024;

    private static final Duration CONFIRMATION_DEADLINE = Duration.ofSeconds(5);
    private static final Duration HAND_OVER_DEADLINE = Duration.ofSeconds(3);
    private static final Duration DRAIN = Duration.ofSeconds(2);

    private final EngineConfig config;
    private final Registry registry =
            new Registry(EVENT_WINDOW, RegistryQuota.events(Runtime.getRuntime().maxMemory()));
    private final InstantSource clock = InstantSource.system();
    private final SecureRandom random = new SecureRandom();
    private final ScheduledExecutorService timer = timer();
    private final ExecutorService tasks = Executors.newVirtualThreadPerTaskExecutor();
    private final ReadThreads readers = new ReadThreads(Runtime.getRuntime().availableProcessors());

    private final CountDownLatch failed = new CountDownLatch(1);
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final Optional<TlsIdentity> tls;
    private final Optional<Issuer> issuer;
    private final Revocations revocations = new Revocations(registry);
    private final EngineDialer dialer;
    private final LeaderRoute route;
    /** Null where they are off. */
    private final @Nullable Traces traces;

    private final @Nullable UnitTraces unitTraces;
    private final @Nullable CallTraces callTraces;
    private final EngineMetrics metrics;
    private final Controller controller;
    private final EtcdMirror mirror;
    private final RaftNode raft;
    private final Sessions sessions;
    private final Watches watches;
    private final AgentGatewayService gateway;
    private final GrpcServer grpc;
    private final GrpcHealth grpcHealth;
    private final Health health = new Health();
    private final PolledChanges changes;
    private final PolledLogs pageLogs;
    private final FleetHttp http;
    private @Nullable HttpServers httpServers;

    /**
     * Takes the data directory; opens nothing yet.
     *
     * @throws IOException when the directory is another engine's, in use, or empty without {@code bootstrap} or {@code join}
     */
    Engine(EngineConfig config) throws IOException {
        this.config = config;
        var clusterId = config.clusterId().toString();
        tls = config.tls().isPresent()
                ? Optional.of(TlsIdentity.open(config.tls().get(), clock))
                : Optional.empty();
        var authority = config.authorityKey().isPresent()
                ? Optional.of(CertificateAuthority.of(
                        tls.orElseThrow().current().authorities(),
                        config.authorityKey().get(),
                        clusterId))
                : Optional.<CertificateAuthority>empty();
        tls.ifPresent(own -> own.heed(revocations));
        dialer = new EngineDialer(tls, line -> log.warn("{}", line));
        route = new LeaderRoute(
                config.engineId(),
                address -> dialer.to(address).maxInboundMessageSize(MAX_MESSAGE).build());
        metrics = new EngineMetrics(new PrometheusRegistry(), health);
        traces = config.traces()
                .map(settings -> Traces.to(
                        settings,
                        new Traces.Source("fleet-engine", config.engineId(), EngineVersion.current()),
                        line -> log.warn("traces: {}", line)))
                .orElse(null);
        unitTraces = traces == null ? null : new UnitTraces(traces, clock);
        callTraces = traces == null || unitTraces == null ? null : new CallTraces(traces, unitTraces);
        if (traces != null) {
            metrics.traces(traces.counts());
        }
        raft = new RaftNode(
                RaftConfig.builder(config.engineId(), config.clusterId(), config.dataDir(), config.peers())
                        .bootstrap(config.bootstrap())
                        .join(config.join())
                        .electionTimeout(config.electionMin(), config.electionMax())
                        .entryFormat(config.entryFormat())
                        .quota(config.registryQuota())
                        .capacity(RegistryQuota.capacity(Runtime.getRuntime().maxMemory()))
                        .anySource(config.raftAnySource())
                        .tls(tls)
                        .clock(clock)
                        .build(),
                registry,
                new Leadership());
        var time = new ClusterTime(clock, raft::clocks, registry);
        issuer = authority.map(
                own -> new Issuer(own, tls.orElseThrow()::current, Duration.ofDays(config.certificateDays()), time));
        // What fleet-engine restore was told counts, not what has stayed in the settings.
        var prepared = raft.preparedBackup();
        boolean fromEtcd = raft.restoresFromEtcd() || (config.restore() && prepared.isEmpty());
        mirror = new EtcdMirror(config, fromEtcd, registry, clock, random);
        var backup = fromEtcd ? prepared : prepared.or(config::backup);
        controller = new Controller(
                new Controller.Inputs(config.engineId(), registry, new RaftProposer(raft), clock, random),
                new SessionsLeadership(),
                new MeteredDecisions(metrics, clock),
                tasks,
                raft::quota,
                backup.isPresent()
                        ? Restoration.fromBackup(clusterId, backup.get(), clock, config.registryQuota())
                        : mirror.beginning());
        var timing = Sessions.Timing.of(config.agentTtl());
        var check = new SharedConfirmations(new Check(), timing.betweenConfirmations(), timer);
        sessions = new Sessions(clusterId, registry, controller, check, timing, System::nanoTime, tasks, unitTraces);
        Reads.ReadIndex readIndex = raft::readIndex;
        watches = new Watches(registry, readIndex, tasks);
        var logs = new LogBroker(sessions, random, timer);
        var unitLogs = new UnitLogs(registry, logs, route);
        var api = new RoutedFleetApi(
                new LocalWrites(controller, mirror.afterCommit()),
                new Reads(registry, readIndex, controller::explain, readers),
                route,
                raft::absence,
                timer,
                tasks,
                random);
        gateway = new AgentGatewayService(clusterId, registry, sessions, logs, check);
        var https = config.plainHttp() ? Optional.<TlsIdentity>empty() : tls;
        var logins = new PageLogins(
                random, clock, chain -> tls.isPresent() ? tls.get().objection(chain) : "this engine speaks plaintext");
        var links = new LoginLinks(
                config.engineId(),
                config.plainHttp()
                        ? HostAndPort.fromParts(
                                        config.http().getHostString(),
                                        config.http().getPort())
                                .toString()
                        : config.self().httpAddress(),
                https,
                logins);
        var limits = AdmissionLimits.usual();
        var admission = new Admission(limits, metrics);
        metrics.sessions(sessions::size);
        metrics.followers(raft::view);
        tls.ifPresent(own -> metrics.certificates(own::current));
        metrics.grpcBytes(admission::requestBytes, admission::answerBytes);
        grpcHealth = new GrpcHealth(() -> raft.view().leader() != null && raft.catchingUp() == null);
        grpc = new GrpcServer(
                config.grpc(),
                tls,
                issuer.isPresent(),
                limits,
                admission,
                metrics,
                tasks,
                interceptors(),
                List.of(
                        EdgeChecks.of(grpcHealth.service()),
                        EdgeChecks.of(ProtoReflectionServiceV1.newInstance()),
                        EdgeChecks.of(new AccessService(
                                clusterId, issuer, registry, controller, raft, route, time, random, links)),
                        EdgeChecks.of(new FleetService(api, watches, unitLogs, this::version)),
                        EdgeChecks.of(gateway),
                        EdgeChecks.of(new ClusterService(
                                config.self(),
                                clusterId,
                                registry,
                                raft,
                                route,
                                tasks,
                                mirror::status,
                                new Orphans(registry, controller, logs, mirror.afterCommit(), raft::requireFormat)))));
        metrics.decisions(controller::waiting);
        metrics.logTimes(raft::logTimes);
        metrics.restarts(() -> registry.read(RegistryView::restarts));
        metrics.unplaced(
                new UnplacedByVeto(
                        () -> UnplacedByVeto.Waiting.in(registry),
                        sessions::leading,
                        controller::explain,
                        System::nanoTime)::counts);
        changes = new PolledChanges(registry, this::leaderAndTerm, tasks, System::nanoTime);
        pageLogs = new PolledLogs(
                (request, reader) -> unitLogs.journal(request, reader, false), random, tasks, System::nanoTime);
        http = new FleetHttp(
                api,
                health,
                changes,
                pageLogs,
                new LoginResource(logins, clusterId + "/" + config.engineId()),
                metrics,
                random,
                time,
                System::nanoTime,
                Deadlines.DEFAULT,
                config.pageSize(),
                callTraces);
        if (unitTraces != null) {
            // Before the sessions, which tell agents of what is followed.
            registry.addListener(unitTraces);
        }
        registry.addListener(sessions);
        registry.addListener(watches);
    }

    /**
     * Opens everything and joins the others. Returns before there is a leader.
     *
     * @throws IOException when an address can't be listened on, or what is on disk can't be used
     */
    void start() throws IOException {
        try {
            grpc.start();
        } catch (IOException e) {
            // The reason, such as "address already in use", is in the cause alone.
            var reason = e.getCause() == null ? e : e.getCause();
            throw new IOException(
                    "can't listen for gRPC on " + config.grpc().getHostString() + ":"
                            + config.grpc().getPort() + " (" + reason.getMessage()
                            + "): stop the process that listens there, or choose another address with --grpc",
                    e);
        }
        httpServers = HttpServers.start(
                HttpSettings.of(
                                config.http().getHostString(),
                                config.http().getPort(),
                                config.httpSocket(),
                                "fleet-engine/" + EngineVersion.current())
                        .with(config.plainHttp() ? Optional.empty() : tls),
                new BrowserGuard(http, config.allHttpNames()));
        mirror.start(metrics);
        controller.start();
        raft.start();
        var ticker = new Ticker(timer, System::nanoTime);
        watches.start(ticker);
        changes.start(ticker);
        pageLogs.start(ticker);
        revocations.start(ticker);
        grpcHealth.start(ticker);
        tls.ifPresent(TlsIdentity::start);
        issuer.ifPresent(own -> new Renewal(tls.orElseThrow(), own::renew, clock, random).start());
        new QuotaWatch(config.engineId(), registry, raft::quota).start(ticker);
        new LeaderlessWatch(config.engineId(), raft::view, System::nanoTime).start(ticker);
        new LivenessMonitor(registry, controller, sessions, System::nanoTime, this::handOver).start(ticker);
        ticker.start();
    }

    /** What has to go on for this engine to be of use; none of it depends on other engines. */
    List<Watchdog.Part> parts() {
        return List.of(
                new Answers("the timer", () -> CompletableFuture.runAsync(() -> {}, timer)),
                new Answers(
                        "the registry",
                        () -> CompletableFuture.supplyAsync(() -> registry.read(RegistryView::appliedIndex), tasks)),
                readers.progress(),
                new Progress("the decision thread", controller::progress),
                new Progress("the state machine", () -> {
                    var view = raft.view();
                    return view.appliedIndex() < view.commitIndex() ? view.appliedIndex() : Progress.RESTS;
                }));
    }

    /** From now on {@code /livez} says what this watchdog finds. */
    void watchedBy(Watchdog watchdog) {
        health.watchdog = watchdog;
    }

    /** Waits until the engine can't go on by itself; returns why. */
    @Nullable
    Throwable awaitFailure() throws InterruptedException {
        failed.await();
        return failure.get();
    }

    /** Hands leadership over if this engine has it, then stops: first what takes calls, then the rest. */
    @Override
    public void close() {
        raft.handOver();
        sessions.end();
        grpcHealth.end();
        grpc.stopTaking();
        watches.end();
        changes.end();
        pageLogs.end();
        gateway.endAnnouncements();
        var servers = httpServers;
        if (servers != null) {
            servers.close(DRAIN);
        }
        grpc.close(DRAIN);
        mirror.close();
        controller.close();
        raft.close();
        route.close();
        dialer.close();
        timer.shutdownNow();
        tasks.shutdownNow();
        readers.close();
        if (traces != null) {
            traces.close();
        }
    }

    /** Who calls is clear before it is looked at whether another engine has passed the call on. */
    private List<ServerInterceptor> interceptors() {
        var authorization =
                tls.isPresent() ? new Authorization(LeaderRoute.FORWARDED, clock, revocations) : Authorization.none();
        return callTraces == null
                ? List.of(authorization, FleetService.interceptor())
                : List.of(authorization, FleetService.interceptor(), callTraces);
    }

    private void handOver() {
        if (raft.view().peers().size() > 1) {
            Async.whenDone(raft.transferLeadership(null, HAND_OVER_DEADLINE), (next, why) -> {
                if (why != null) {
                    log.warn("leadership could not be handed over: {}", why.getMessage());
                }
            });
        }
    }

    private String leaderAndTerm() {
        var view = raft.view();
        var leader = view.leader();
        return view.term() + "-" + (leader == null ? "" : leader.id());
    }

    private EngineHealth.View look() {
        var view = raft.view();
        var leader = view.leader();
        long quota = raft.quota();
        return registry.read(registryView -> new EngineHealth.View(
                config.engineId(),
                config.clusterId().toString(),
                sessions.leading(),
                leader == null ? "" : leader.id(),
                Objects.requireNonNullElse(raft.absence(), ""),
                Objects.requireNonNullElse(raft.catchingUp(), ""),
                view.term(),
                view.commitIndex(),
                registryView.appliedIndex(),
                registryView.units().size(),
                registryView.presentMachines(),
                registryView.machines().size() - registryView.presentMachines(),
                registryView.unplaced().size(),
                registryView.stateCount(),
                registryView.failedStates(),
                registryView.memory(),
                quota));
    }

    private VersionResponse version() {
        var leader = route.leader();
        return VersionResponse.newBuilder()
                .setVersion(EngineVersion.current())
                .setEngineId(config.engineId())
                .setClusterId(config.clusterId().toString())
                .setLeaderGrpc(leader == null ? "" : leader.grpcAddress())
                .setLeaderId(leader == null ? "" : leader.id())
                .build();
    }

    private static ScheduledExecutorService timer() {
        return new WatchedTimer(
                Thread.ofPlatform().daemon().name("timer").factory(),
                fault -> log.error("a task of the engine's timer failed", fault));
    }

    /** Raft's word to those who act on it. */
    private final class Leadership implements RaftListener {
        @Override
        public void leaderStarted(long term) {
            controller.leaderStarted(term);
            route.ready();
        }

        @Override
        public void leaderStopped(long term) {
            controller.leaderStopped();
        }

        @Override
        public void leaderChanged(EnginePeer leader) {
            route.leaderChanged(leader);
        }

        @Override
        public void failed(Throwable cause) {
            failure.set(cause);
            failed.countDown();
        }
    }

    /** The decision thread's word to the sessions, which the controller is made before. */
    private final class SessionsLeadership implements Controller.LeadershipListener {
        @Override
        public void leading(long term) {
            sessions.begin(term);
            mirror.leading(term);
            tasks.execute(gateway::announceLeadership);
            tasks.execute(raft::restored);
        }

        @Override
        public void resigned(long term) {
            sessions.end();
            mirror.resigned();
            if (unitTraces != null) {
                unitTraces.end();
            }
        }
    }

    private final class Health implements EngineHealth {
        private volatile @Nullable Watchdog watchdog;

        @Override
        public View view() {
            return look();
        }

        @Override
        public List<Engine> engines() {
            var view = raft.view();
            return view.peers().stream()
                    .map(peer -> {
                        var match = view.matchIndex().get(peer.id());
                        return new Engine(
                                peer.id(),
                                peer.httpAddress(),
                                match == null ? null : Math.max(0, view.commitIndex() - match),
                                view.silence().get(peer.id()));
                    })
                    .toList();
        }

        @Override
        public @Nullable Disk disk() {
            try {
                var store = Files.getFileStore(config.dataDir());
                return new Disk(store.getUsableSpace(), store.getTotalSpace());
            } catch (IOException e) {
                log.debug("The free space of {} is unknown", config.dataDir(), e);
                return null;
            }
        }

        @Override
        public List<String> stuck() {
            var looks = watchdog;
            return looks == null ? List.of() : looks.stuck();
        }
    }

    private final class Check implements LeadershipCheck {
        @Override
        public CompletableFuture<?> confirm() {
            return raft.confirmLeadership(CONFIRMATION_DEADLINE);
        }

        @Override
        public String leaderGrpc() {
            var leader = route.leader();
            return leader == null ? "" : leader.grpcAddress();
        }

        @Override
        public long term() {
            return raft.view().term();
        }
    }
}
