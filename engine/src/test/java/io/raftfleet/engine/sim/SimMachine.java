package io.raftfleet.engine.sim;

import io.raftfleet.agent.hollow.HollowUnitManager;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.agent.reconcile.Journal;
import io.raftfleet.agent.reconcile.JournalEntry;
import io.raftfleet.agent.reconcile.Reconciler;
import io.raftfleet.agent.session.ClusterMemory;
import io.raftfleet.agent.session.ContentsStore;
import io.raftfleet.agent.session.EngineChannels;
import io.raftfleet.agent.session.LeaderFinder;
import io.raftfleet.agent.session.LeaderNews;
import io.raftfleet.agent.session.MachineSide;
import io.raftfleet.agent.session.ReportQueue;
import io.raftfleet.agent.session.SessionConfig;
import io.raftfleet.agent.session.SessionKeeper;
import io.raftfleet.unit.UnitFile;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A machine in memory whose agent comes and goes, with a journal that outlives it. Owned by the simulation's thread.
 */
final class SimMachine {
    private final Simulation simulation;
    private final String id;
    private final int number;
    private final SplittableRandom random;
    private final Consumer<String> violations;
    private final ClusterMemory.Keeper memory = ClusterMemory.Keeper.inMemory();
    private final Map<String, JournalEntry> noted = new LinkedHashMap<>();
    private Map<String, JournalEntry> durable = Map.of();
    /** Starts in this boot of what is in place, by unit and generation. */
    private final Map<String, Map<Long, Integer>> starts = new HashMap<>();

    private SimProcess hardware;
    private HollowUnitManager manager;
    private int boots;
    private long instance;
    /** Index of what was committed when the agent began. */
    private long agentSince;

    private @Nullable SimProcess agent;
    private @Nullable SessionKeeper session;
    private @Nullable Reconciler reconciler;

    SimMachine(Simulation simulation, int number, SplittableRandom random, Consumer<String> violations) {
        this.simulation = simulation;
        this.number = number;
        this.id = Integer.toHexString(number).repeat(32).substring(0, 32);
        this.random = random;
        this.violations = violations;
        this.hardware = simulation.process();
        this.manager = boot();
    }

    private HollowUnitManager boot() {
        boots++;
        starts.clear();
        var clock = Clock.fixed(Instant.EPOCH, ZoneOffset.UTC);
        return new HollowUnitManager(hardware.loop(), bootId(), clock);
    }

    private String bootId() {
        return "%032x".formatted(number * 1000 + boots);
    }

    String id() {
        return id;
    }

    @Nullable
    SimProcess agent() {
        return agent;
    }

    /** Whether a session's lease says that the leader counts the machine as present. */
    boolean leaseHeld() {
        var now = session;
        return now != null && now.lease().heldAt(simulation.agenda().nanos());
    }

    /** What systemd would say. */
    Map<String, ObservedState> states() {
        return manager.states().join();
    }

    int unsettled() {
        var now = reconciler;
        return now == null ? 0 : now.unsettled();
    }

    void startAgent() {
        instance++;
        agentSince = simulation.truth().appliedIndex();
        var process = simulation.process();
        Loop loop = process.loop();
        var channels = new EngineChannels(
                address -> simulation.network().channel(id, process, address), simulation.addresses());
        var reports = new ReportQueue(4);
        var keeper = new CompletableFuture<SessionKeeper>();
        var units = new Reconciler(
                loop,
                new Watched(manager),
                new SimJournal(process.loop()),
                reports,
                new ContentsStore(1 << 20),
                hashes -> keeper.join().fetch(hashes),
                random.split());
        var started = new SessionKeeper(
                loop,
                new LeaderFinder(channels, Duration.ofSeconds(1)),
                new SessionConfig(
                        id,
                        "10.0.0." + number,
                        Map.of("host", "h" + number),
                        "sim",
                        number * 1000L + instance,
                        SessionConfig.Limits.DEFAULT),
                new MachineSide(units, reports, manager),
                memory,
                reason -> violations.accept("agent of " + id + " ended: " + reason),
                random.split());
        keeper.complete(started);
        var news = new LeaderNews(channels, process.executor(), random.split());
        agent = process;
        session = started;
        reconciler = units;
        units.start(() -> {
            started.start();
            news.add(started::heard);
        });
        news.start();
    }

    /** The registry begins anew: indexes of before mean nothing, and a unit may be started again for a start of before. */
    void registryRestored() {
        agentSince = 0;
        starts.clear();
    }

    boolean runs(String unit) {
        var state = states().get(unit);
        return state != null && !Set.of("inactive", "failed").contains(state.activeState());
    }

    /** The agent is killed; its units run on. */
    void killAgent() {
        var process = agent;
        if (process != null) {
            process.kill();
            manager.close();
            simulation.network().breakCalls(id);
            agent = null;
            session = null;
            reconciler = null;
        }
    }

    /** The machine loses its power and comes back; what was not durable is gone. */
    void reboot() {
        killAgent();
        hardware.kill();
        hardware = simulation.process();
        manager = boot();
        noted.clear();
        noted.putAll(durable);
    }

    /** Notes what was written in order, later. */
    private final class SimJournal implements Journal {
        private final Loop disk;

        SimJournal(Loop disk) {
            this.disk = disk;
        }

        @Override
        public List<JournalEntry> load() {
            return List.copyOf(noted.values());
        }

        @Override
        public CompletableFuture<Void> write(
                Collection<JournalEntry> puts, Collection<String> removes, boolean synced) {
            var written = new CompletableFuture<Void>();
            disk.execute(() -> {
                puts.forEach(entry -> noted.put(entry.name(), entry));
                noted.keySet().removeAll(removes);
                if (synced) {
                    durable = new LinkedHashMap<>(noted); // In an order that is the same in every process.
                }
                written.complete(null);
            });
            return written;
        }

        @Override
        public void close() {}
    }

    /** Counts starts by what the journal says they are for. */
    private final class Watched implements UnitManager {
        private final HollowUnitManager inner;

        Watched(HollowUnitManager inner) {
            this.inner = inner;
        }

        @Override
        public CompletableFuture<Void> start(String name) {
            boolean fenced = inner.stoppedByFence().join().contains(name);
            var begun = inner.start(name);
            if (begun.isCompletedExceptionally()) {
                return begun; // Refused, such as for want of a lease.
            }
            simulation.invariants().started(name, id, agentSince);
            var entry = noted.get(name);
            if (entry == null || entry.done() == null || !entry.done().bootId().equals(bootId())) {
                violations.accept(name + " is started on " + id + " and its journal does not say so: " + entry);
            } else {
                int times = starts.computeIfAbsent(name, none -> new HashMap<>())
                        .merge(entry.done().generation(), 1, Integer::sum);
                if (times > 1 && !fenced) {
                    violations.accept(name + " is started " + times + " times on " + id + " for generation "
                            + entry.done().generation());
                }
            }
            return begun;
        }

        @Override
        public CompletableFuture<Void> uninstall(Collection<String> names) {
            names.forEach(starts::remove);
            return inner.uninstall(names);
        }

        @Override
        public Map<String, UnitFile> installed() {
            return inner.installed();
        }

        @Override
        public CompletableFuture<Void> install(Map<String, UnitFile> files, Set<String> toStart) {
            return inner.install(files, toStart);
        }

        @Override
        public CompletableFuture<Void> stop(String name) {
            var entry = noted.get(name);
            if (entry != null && entry.removing()) {
                starts.remove(name); // It may be ordered back meanwhile.
            }
            return inner.stop(name);
        }

        @Override
        public CompletableFuture<Void> answers() {
            return inner.answers();
        }

        @Override
        public void renewLease(long untilNanos) {
            inner.renewLease(untilNanos);
        }

        @Override
        public CompletableFuture<Set<String>> stoppedByFence() {
            return inner.stoppedByFence();
        }

        @Override
        public CompletableFuture<Map<String, ObservedState>> states() {
            return inner.states();
        }

        @Override
        public void subscribe(Listener listener) {
            inner.subscribe(listener);
        }

        @Override
        public String bootId() {
            return inner.bootId();
        }

        @Override
        public void close() {
            inner.close();
        }
    }
}
