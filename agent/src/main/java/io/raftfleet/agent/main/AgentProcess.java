package io.raftfleet.agent.main;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.raftfleet.agent.hollow.HollowJournal;
import io.raftfleet.agent.metrics.AgentHttp;
import io.raftfleet.agent.metrics.AgentMetrics;
import io.raftfleet.agent.metrics.MachineStatus;
import io.raftfleet.agent.session.DialedChannels;
import io.raftfleet.agent.session.SessionConfig;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.traces.Traces;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that a running agent holds, given back in the opposite order of how it was taken. Owned by the main thread;
 * {@link #announce} may be called by another one.
 */
final class AgentProcess implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(AgentProcess.class);

    private final Deque<AutoCloseable> held = new ArrayDeque<>();
    private List<Machine> machines = List.of();
    private boolean hollow;
    private Optional<TlsIdentity> identity = Optional.empty();
    private Optional<Traces> traces = Optional.empty();

    private AgentProcess() {}

    /** Takes the data directory, makes the machines and starts them. */
    static AgentProcess start(AgentConfig config, SessionConfig session, Consumer<String> onFatal) throws IOException {
        AgentProcess process = new AgentProcess();
        boolean complete = false;
        try {
            process.build(config, session, onFatal);
            complete = true;
        } finally {
            if (!complete) {
                process.close();
            }
        }
        process.machines.forEach(Machine::start);
        return process;
    }

    private void build(AgentConfig config, SessionConfig session, Consumer<String> onFatal) throws IOException {
        DataDir data = hold(DataDir.open(config.dataDir()));
        if (config.adoptCluster()) {
            data.forgetCluster();
        }
        int threads =
                config.hollowMachines() > 1 ? Math.max(2, Runtime.getRuntime().availableProcessors()) : 1;
        hollow = config.manager() == AgentConfig.Manager.HOLLOW;
        List<String> ids = hollow
                ? HollowMachines.machineIds(config.machineId(), config.hollowMachines())
                : List.of(config.machineId());
        Map<String, Shared> links = links(config, ids, threads, new EngineRevocations(data.revocations()));
        machines = switch (config.manager()) {
            case HOLLOW -> {
                Path journal = config.hollowJournal().orElse(null);
                yield HollowMachines.create(
                        id -> Objects.requireNonNull(links.get(id)),
                        config.hollowMachines(),
                        config.machineId(),
                        session,
                        journal == null ? null : hold(HollowJournal.open(journal)),
                        onFatal);
            }
            case SYSTEMD ->
                List.of(SystemdMachine.create(
                        Objects.requireNonNull(links.get(config.machineId())), config, session, data, onFatal));
        };
        machines.forEach(machine -> hold(machine::close));
        Set.copyOf(links.values()).forEach(Shared::start);
    }

    /** What each machine shares with the others: its channels, too, unless it has a certificate of its own. */
    private Map<String, Shared> links(AgentConfig config, List<String> ids, int threads, EngineRevocations revocations)
            throws IOException {
        Map<String, Shared> links = new HashMap<>();
        String first = ids.getFirst();
        Optional<TlsIdentity> own = config.tls().isPresent()
                ? Optional.of(identity(config.tls().get().of(first), revocations))
                : Optional.empty();
        identity = own;
        traces = config.traces()
                .map(settings -> hold(Traces.to(
                        settings,
                        new Traces.Source("fleet-agent", hollow ? "" : config.machineId(), VersionProvider.version()),
                        line -> log.warn("traces: {}", line))));
        DialedChannels channels = hold(new DialedChannels(own));
        Shared shared = hold(new Shared(channels, config.engines(), threads, traces));
        own.ifPresent(identity -> {
            CertificateRenewal.start(identity, shared.engines(), shared.random());
            revocations.start(shared.engines(), shared.random());
        });
        links.put(first, shared);
        for (String id : ids.subList(1, ids.size())) {
            links.put(
                    id,
                    config.tls().isPresent()
                            ? link(shared, channels, config.tls().get().of(id), revocations)
                            : shared);
        }
        return links;
    }

    private Shared link(Shared shared, DialedChannels channels, TlsFiles files, EngineRevocations revocations)
            throws IOException {
        TlsIdentity identity = identity(files, revocations);
        Shared own = hold(shared.with(channels.as(identity)));
        CertificateRenewal.start(identity, own.engines(), own.random());
        return own;
    }

    private static TlsIdentity identity(TlsFiles files, EngineRevocations revocations) throws IOException {
        TlsIdentity identity = TlsIdentity.open(files, InstantSource.system());
        identity.heed(revocations);
        identity.start();
        return identity;
    }

    /**
     * Tells over HTTP from now on how the machines do, if there is an address for that.
     *
     * @param stuck what of this process stands still, for people
     * @throws IOException when the address can't be listened on
     */
    void tell(Optional<InetSocketAddress> address, Supplier<List<String>> stuck) throws IOException {
        if (address.isPresent()) {
            AgentMetrics metrics = new AgentMetrics(
                    VersionProvider.version(), identity.map(own -> own::current), new PrometheusRegistry());
            traces.ifPresent(own -> metrics.traces(own.counts()));
            hold(AgentHttp.start(address.get(), this::statuses, stuck, metrics));
        }
    }

    private CompletableFuture<List<MachineStatus>> statuses() {
        List<CompletableFuture<MachineStatus>> all =
                machines.stream().map(Machine::status).toList();
        return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
                .thenApply(done -> all.stream().map(CompletableFuture::join).toList());
    }

    List<Machine> machines() {
        return machines;
    }

    /** From now on the machines announce this; of machines in memory each has a host besides. */
    void announce(String publicIp, Map<String, String> metadata) {
        for (int i = 0; i < machines.size(); i++) {
            machines.get(i).announce(publicIp, hollow ? HollowMachines.metadata(metadata, i + 1) : metadata);
        }
    }

    private <T extends AutoCloseable> T hold(T resource) {
        held.push(resource);
        return resource;
    }

    @Override
    public void close() {
        while (!held.isEmpty()) {
            try {
                held.pop().close();
            } catch (Exception e) {
                log.warn("something could not be closed at the agent's end: {}", e.toString());
            }
        }
    }
}
