package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs units on a systemd, the machine's own or a user's, over D-Bus.
 *
 * <p>It connects by itself, again and again with growing pauses, and units run on whether it is connected or not. Orders
 * given meanwhile wait. Files of units that are there can be changed without a connection; systemd is told when there is one. Those of
 * new ones wait for it, as the host may run a unit of that name.
 *
 * <p>Nothing here is periodic, except while starts or stops are to come. What systemd does comes in signals; one list of all units is read for
 * each new connection, and one each time that systemd has read its files again, without those that are about to be started.
 *
 * <p>One thread, {@code thread}, owns orders and the connection and calls the listener; see {@link UnitStore} and
 * {@link StateTable} for what they own.
 */
public final class SystemdUnitManager implements UnitManager {
    private static final Logger LOG = LoggerFactory.getLogger(SystemdUnitManager.class);

    /** How long its end waits for answers to starts that systemd has been asked for. */
    private static final Duration LAST_ANSWERS = Duration.ofMillis(500);

    private final SystemdConfig config;
    private final UnitStore store;
    private final StateTable table = new StateTable();
    private final ManagerThread thread;
    private final StateNews news;
    private final Orders orders;
    private final Reloads reloads;
    private final MachineLease lease;
    private final Faults faults;
    private final HostUnits host;
    private final Settling settling;
    private final Connection connection;
    private volatile boolean closed;

    /** The latest, on its way to the thread; null when there is none. */
    private final AtomicReference<@Nullable Long> renewal = new AtomicReference<>();

    /**
     * Opens the unit directories and begins to connect.
     *
     * @param warnings what systemd has logged of units that it can't load or start
     * @throws UnitManagerException when the directories can't be used
     */
    public SystemdUnitManager(SystemdConfig config, UnitWarnings warnings) throws UnitManagerException {
        this.config = config;

        String kernelBoot;
        try {
            kernelBoot = config.readBootId();
            store = new UnitStore(config.unitsDirectory(), config.searchDirectory());
        } catch (IOException unusable) {
            throw new UnitManagerException(
                    "the unit directories " + config.unitsDirectory() + " and " + config.searchDirectory()
                            + " can't be used: " + unusable,
                    unusable);
        }
        store.hashes().forEach(table::install);
        thread = new ManagerThread();
        news = new StateNews(table, thread);
        reloads = new Reloads(store, config.timing().reload(), thread.executor());
        faults = new Faults(warnings, store);
        host = new HostUnits(config.searchDirectory(), store, table, news, thread.executor());
        lease = new MachineLease(store, thread.executor());
        orders = new Orders(config.timing(), thread.executor(), store, new OrdersHost());
        settling = new Settling(
                table,
                orders::pendingStarts,
                thread::later,
                System::nanoTime,
                config.timing().settle(),
                this::ask);
        connection = new Connection(config, kernelBoot, thread, new ConnectionHost());
        thread.run(connection::open);
    }

    @Override
    public Map<String, UnitFile> installed() {
        try {
            return store.read();
        } catch (IOException unreadable) {
            throw new java.io.UncheckedIOException(
                    "the units directory " + config.unitsDirectory() + " can't be read", unreadable);
        }
    }

    @Override
    public CompletableFuture<Void> install(Map<String, UnitFile> files, Set<String> toStart) {
        return install(files, toStart, Set.of());
    }

    @Override
    public CompletableFuture<Void> install(Map<String, UnitFile> files, Set<String> toStart, Set<String> ours) {
        Map<String, UnitFile> batch = Map.copyOf(files);
        Set<String> starting = Set.copyOf(toStart);
        Set<String> started = Set.copyOf(ours);
        return thread.order(() -> connection.knowsHost()
                        || host.unknown(batch.keySet(), connection.fault()).isEmpty()
                ? put(batch, starting, started)
                : hostKnownInTime().thenCompose(known -> put(batch, starting, started)));
    }

    /** As long as an order waits for a connection. Completes on the thread. */
    private CompletableFuture<Void> hostKnownInTime() {
        var wait = new CompletableFuture<Void>();
        var unused = connection.hostKnown().thenRun(() -> wait.complete(null));
        thread.later(() -> wait.complete(null), config.timing().start());
        return wait;
    }

    private CompletableFuture<Void> put(Map<String, UnitFile> batch, Set<String> starting, Set<String> ours) {
        if (closed) {
            return CompletableFuture.failedFuture(UnitManagerException.notIssued("the unit manager is closed"));
        }
        Map<String, String> refused = new HashMap<>(host.shadowing(batch.keySet()));
        if (!connection.knowsHost()) {
            refused.putAll(host.unknown(batch.keySet(), connection.fault()));
        }
        Map<String, UnitFile> free = new HashMap<>(batch);
        free.keySet().removeAll(refused.keySet());
        UnitStore.Installed done = store.install(free);
        refused.putAll(done.refused());
        List<String> touched = new ArrayList<>(done.added());
        touched.addAll(done.changed());
        Map<String, UnitHash> hashes = store.hashes();
        touched.forEach(name -> table.install(name, Objects.requireNonNull(hashes.get(name))));
        if (!touched.isEmpty()) {
            settling.installed(touched, starting);
            host.look();
            news.tellSoon();
            lease.write();
        }
        Set<String> toCheck = host.toCheck(done.added(), batch.keySet());
        Set<String> concerned = new LinkedHashSet<>(touched);
        done.pulling().values().forEach(concerned::addAll);
        concerned.addAll(toCheck);
        return reloadIfLoaded(
                        concerned,
                        !done.changed().isEmpty() || !done.pulling().isEmpty(),
                        loaded -> host.giveBack(connection.session(), loaded, toCheck, ours, refused)
                                .thenApplyAsync(gone -> stale(loaded, done, toCheck, gone), thread.executor()))
                .whenCompleteAsync(
                        (reloaded, failure) -> {
                            if (failure != null) {
                                settling.uninstalled(host.takeBack(toCheck));
                            }
                        },
                        thread.executor())
                .thenCompose(reloaded -> refused.isEmpty()
                        ? CompletableFuture.<Void>completedFuture(null)
                        : CompletableFuture.failedFuture(UnitManagerException.ofUnits(refused)));
    }

    /**
     * Of the units that systemd had loaded before an installation, those that it knows otherwise than their files are now. Units whose new files are gone again
     * are as they were, and so is what was to pull them in.
     */
    private Set<String> stale(Set<String> loaded, UnitStore.Installed done, Set<String> toCheck, Set<String> gone) {
        settling.uninstalled(gone);
        Set<String> stale = new HashSet<>(toCheck);
        stale.addAll(done.changed());
        stale.removeAll(gone);
        done.pulling().forEach((unit, pulls) -> {
            if (!gone.contains(unit)) {
                stale.addAll(pulls);
            }
        });
        stale.retainAll(loaded);
        return stale;
    }

    @Override
    public CompletableFuture<Void> start(String name) {
        return thread.order(() -> {
            var done = new CompletableFuture<Void>();
            orders.start(name, done);
            gatherIfMany();
            return done.whenComplete((started, failure) -> {
                if (failure != null) {
                    settling.startEnded(name);
                }
            });
        });
    }

    @Override
    public void renewLease(long untilNanos) {
        if (renewal.getAndSet(untilNanos) == null) {
            thread.run(() -> {
                Long latest = renewal.getAndSet(null);
                if (latest != null) {
                    lease.renew(latest);
                }
            });
        }
    }

    @Override
    public CompletableFuture<Void> answers() {
        var answer = new CompletableFuture<Void>();
        thread.run(() -> answer.complete(null));
        return answer;
    }

    @Override
    public CompletableFuture<Set<String>> stoppedByFence() {
        return thread.order(() -> {
            try {
                return CompletableFuture.completedFuture(store.fence().stopped());
            } catch (IOException unreadable) {
                return CompletableFuture.failedFuture(new UnitManagerException(
                        "which units the fence has stopped can't be read: " + unreadable, unreadable));
            }
        });
    }

    @Override
    public CompletableFuture<Void> stop(String name) {
        return thread.order(() -> {
            var done = new CompletableFuture<Void>();
            orders.stop(name, done);
            gatherIfMany();
            return done;
        });
    }

    private void gatherIfMany() {
        if (orders.many()) {
            thread.gatherWhile(orders::many);
        }
    }

    @Override
    public CompletableFuture<Void> uninstall(Collection<String> names) {
        List<String> batch = List.copyOf(names);
        return thread.order(() -> {
            BusSession current = connection.session();
            List<CompletableFuture<Boolean>> resets = current == null
                    ? List.of()
                    : table.inState("failed", batch).stream()
                            .map(name -> current.systemd()
                                    .resetFailed(name)
                                    .thenApply(reset -> true)
                                    .exceptionallyCompose(failure -> Futures.unlessLost(failure, false)))
                            .toList();
            return Futures.all(resets).thenComposeAsync(reset -> takeAway(batch), thread.executor());
        });
    }

    private CompletableFuture<Void> takeAway(List<String> names) {
        UnitStore.Uninstalled done = store.uninstall(names);
        host.uninstalled(done.removed());
        table.uninstall(done.removed());
        settling.uninstalled(done.removed());
        return reloadIfLoaded(done.removed(), !done.removed().isEmpty(), CompletableFuture::completedFuture)
                .thenCompose(reloaded -> done.refused().isEmpty()
                        ? CompletableFuture.<Void>completedFuture(null)
                        : CompletableFuture.failedFuture(UnitManagerException.ofUnits(done.refused())));
    }

    @Override
    public CompletableFuture<Map<String, ObservedState>> states() {
        return thread.order(() -> connection.attempted().thenCompose(known -> listed()));
    }

    private CompletableFuture<Map<String, ObservedState>> listed() {
        BusSession current = connection.session();
        return current == null
                ? CompletableFuture.failedFuture(
                        new UnitManagerException("the states of units can't be read: " + connection.fault()))
                : connection
                        .bootKnown()
                        .thenComposeAsync(known -> current.refresh(table.names()), thread.executor())
                        .thenApply(listed -> table.states());
    }

    @Override
    public void subscribe(Listener newListener) {
        news.subscribe(newListener);
        thread.run(() -> {
            BusSession current = connection.session();
            if (current != null && current.isReady()) {
                news.tellAll();
            }
        });
    }

    @Override
    public String bootId() {
        return connection.bootId();
    }

    @Override
    public void close() {
        close(LAST_ANSWERS);
    }

    /** The same, with another time for answers. */
    void close(Duration patience) {
        closed = true;
        connection.end();
        CompletableFuture<Void> answered = thread.order(orders::end);
        try {
            answered.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            LOG.warn("systemd did not answer for the last starts within {} ms", patience.toMillis());
        } catch (ExecutionException refused) {
            LOG.debug("the last start is not waited for", refused);
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
        thread.close(() -> {
            connection.close();
            orders.close();
        });
    }

    // --- Reloading and looking ------------------------------------------------------------------------------------

    private CompletableFuture<Void> reloadIfLoaded(
            Collection<String> names, boolean due, Function<Set<String>, CompletableFuture<Set<String>>> before) {
        BusSession current = connection.session();
        return current == null || (names.isEmpty() && !reloads.owed())
                ? CompletableFuture.completedFuture(null)
                : reloads.ifLoaded(current.systemd(), names, due, before);
    }

    private void ask(List<String> units) {
        BusSession current = connection.session();
        if (current != null) { // Else the next connection lists all.
            look(current, units, () -> {});
        }
    }

    private void lookAgain(String unit) {
        BusSession current = connection.session();
        if (current != null) {
            look(current, List.of(unit), () -> {
                if (table.repeat(unit)) {
                    news.tellSoon();
                }
            });
        }
    }

    /** What became of a start is known before its end is told. */
    private void startEnded(String unit, String result, Orders.Asked asked) {
        BusSession current = connection.session();
        boolean done = result.equals(Orders.DONE) && table.started(unit) == StateTable.Start.CARRIED_OUT;
        settling.startEnded(unit);
        if (current == null || done || table.saysWhyItEnded(unit)) {
            news.startEnded(unit);
            return;
        }
        Futures.handle(
                faults.ofJob(current.systemd(), unit, result, asked.time()),
                thread.executor(),
                why -> {
                    LOG.warn("{}: {}", unit, why);
                    table.notStarted(unit, why, result.equals(Orders.TIMEOUT));
                    news.startEnded(unit);
                    lookAgain(unit);
                },
                defect -> news.startEnded(unit));
    }

    private void look(BusSession current, Collection<String> units, Runnable after) {
        Futures.handle(current.refresh(units), thread.executor(), seen -> after.run(), failure -> {
            if (!(failure instanceof BusException error && error.isFateUnknown())) {
                LOG.warn("the states of {} units could not be read: {}", units.size(), failure.getMessage());
            }
        });
    }

    /** What is done by each connection, on the thread. */
    private final class ConnectionHost implements Connection.Host {
        @Override
        public BusSession session(BusLink.Opened link) throws IOException {
            store.repair();
            table.forgetDetails();
            return new BusSession(link, config, table, news, thread, new SessionHost());
        }

        @Override
        public void searchPathIs(List<String> path) {
            host.searchPathIs(path);
            host.look();
        }

        @Override
        public CompletableFuture<Void> prepare(BusSession opened) {
            return reloads.catchUp(opened.systemd()).thenCompose(reloaded -> opened.refresh(table.names()));
        }

        @Override
        public void ready(BusSession opened) {
            LOG.info(
                    "connected to systemd at {}; {} units are installed",
                    config.address(),
                    table.names().size());
            opened.markReady();
            orders.connected(opened.systemd());
            gatherIfMany();
            news.tellAll();
        }

        @Override
        public void lost(String reason) {
            orders.disconnected(reason);
        }
    }

    /** What the connection tells, on the thread. */
    private final class SessionHost implements BusSession.Host {
        @Override
        public void jobRemoved(String job, String unit, String result) {
            orders.jobRemoved(job, unit, result);
        }

        @Override
        public CompletableFuture<String> loadFault(Systemd systemd, String unit, String loadState) {
            return faults.ofLoad(systemd, unit, loadState, store.changedAt(unit));
        }

        @Override
        public void haveFilesSeen() {
            try {
                store.touch();
            } catch (IOException untouchable) {
                LOG.warn("systemd does not see files of units, and can't be made to look again", untouchable);
            }
        }

        @Override
        public void reloaded(BusSession of) {
            host.look();
            look(of, settling.toAsk(), () -> {});
        }

        @Override
        public void lost(BusSession lost, String reason) {
            connection.lost(lost, reason);
        }
    }

    /** What orders need, on the thread. */
    private final class OrdersHost implements Orders.Host {
        @Override
        public void flush() {
            news.tell();
        }

        @Override
        public void lookAgain(String unit) {
            SystemdUnitManager.this.lookAgain(unit);
        }

        @Override
        public void accepted(String unit) {
            if (table.forgive(unit)) {
                news.tellSoon();
            }
        }

        @Override
        public void startEnded(String unit, String result, Orders.Asked asked) {
            SystemdUnitManager.this.startEnded(unit, result, asked);
        }

        @Override
        public CompletableFuture<String> refusal(String unit, BusException refusal, Orders.Asked asked) {
            Instant changed = store.changedAt(unit);
            return faults.ofRefusal(unit, refusal, changed.isAfter(asked.time()) ? asked.time() : changed);
        }

        @Override
        public String shadowOf(String unit) {
            return table.shadowOf(unit);
        }

        @Override
        public void notStarted(String unit, String result, long since) {
            BusSession current = connection.session();
            if (current != null) {
                lease.notStarted(current.systemd(), unit, result, since, () -> SystemdUnitManager.this.lookAgain(unit));
            }
        }
    }
}
