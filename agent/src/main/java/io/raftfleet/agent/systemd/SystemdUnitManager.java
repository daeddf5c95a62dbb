package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs units on a systemd, the machine's own or a user's, over D-Bus.
 *
 * <p>It connects by itself, again and again with growing pauses, and units run on whether it is connected or not. Orders
 * given meanwhile wait. Unit files can be put in place without a connection; systemd is told when there is one.
 *
 * <p>Nothing here is periodic. What systemd does comes in signals; one list of all units is read for each new connection
 * and each time that systemd has read its files again.
 *
 * <p>One thread, {@code thread}, owns orders and the connection and calls the listener; see {@link UnitStore} and
 * {@link StateTable} for what they own.
 */
public final class SystemdUnitManager implements UnitManager {
    private static final Logger LOG = LoggerFactory.getLogger(SystemdUnitManager.class);
    /** Up to this many units are looked up one by one; for more, one list of all that systemd has loaded is cheaper. */
    private static final int LOOK_UP_LIMIT = 64;

    /** After so many failed attempts to connect, some seconds, the log says it again. */
    private static final int REMINDER = 8;

    private final SystemdConfig config;
    private final UnitStore store;
    private final StateTable table = new StateTable();
    private final ScheduledThreadPoolExecutor thread;
    private final Orders orders;
    private final AtomicBoolean flushDue = new AtomicBoolean();
    private volatile boolean closed;
    private volatile @Nullable Listener listener;
    private volatile String bootId;

    // Owned by the thread.
    private @Nullable Session session;
    private int attempts;
    private int reloadChecks;
    private boolean settling;
    private String lastFault = "not connected yet";
    private long leaseUntil;
    private boolean leaseKnown;
    private boolean leaseUnwritten;

    /**
     * Opens the unit directories and begins to connect.
     *
     * @throws UnitManagerException when the directories can't be used
     */
    public SystemdUnitManager(SystemdConfig config) throws UnitManagerException {
        this.config = config;
        try {
            bootId = config.readBootId();
            store = new UnitStore(config.unitsDirectory(), config.searchDirectory());
        } catch (IOException unusable) {
            throw new UnitManagerException(
                    "the unit directories " + config.unitsDirectory() + " and " + config.searchDirectory()
                            + " can't be used: " + unusable,
                    unusable);
        }
        store.hashes().forEach(table::install);
        thread = new ScheduledThreadPoolExecutor(
                1, Thread.ofPlatform().daemon().name("systemd-manager").factory());
        thread.setRemoveOnCancelPolicy(true);
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        orders = new Orders(config.timing(), thread, store, new Orders.Host() {
            @Override
            public void flush() {
                SystemdUnitManager.this.flush();
            }

            @Override
            public void lookAgain(String unit) {
                SystemdUnitManager.this.lookAgain(unit);
            }

            @Override
            public void notStarted(String unit, String result) {
                SystemdUnitManager.this.notStarted(unit, result);
            }
        });
        thread.execute(this::connect);
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
    public CompletableFuture<Void> install(Map<String, UnitFile> files) {
        Map<String, UnitFile> batch = Map.copyOf(files);
        return order(() -> {
            UnitStore.Installed done = store.install(batch);
            List<String> touched = new ArrayList<>(done.added());
            touched.addAll(done.changed());
            Map<String, UnitHash> hashes = store.hashes();
            touched.forEach(name -> table.install(name, java.util.Objects.requireNonNull(hashes.get(name))));
            if (!touched.isEmpty()) {
                settleLater();
                flushSoon();
                writeLease();
            }
            return reloadIfLoaded(touched, !done.changed().isEmpty()).thenCompose(reloaded -> {
                if (done.refused().isEmpty()) {
                    return CompletableFuture.<Void>completedFuture(null);
                }
                List<String> reasons = new ArrayList<>();
                done.refused().forEach((name, why) -> reasons.add(name + " was not installed: " + why));
                return CompletableFuture.failedFuture(new UnitManagerException(String.join("; ", reasons)));
            });
        });
    }

    @Override
    public CompletableFuture<Void> start(String name) {
        return order(() -> {
            var done = new CompletableFuture<Void>();
            if (store.isFenced(name)) {
                try {
                    store.fence().unmark(name);
                } catch (IOException failed) {
                    return CompletableFuture.failedFuture(UnitManagerException.notIssued(
                            name + " was not started: the note that the fence stopped it can't be removed: " + failed,
                            failed));
                }
            }
            orders.start(name, done);
            return done;
        });
    }

    @Override
    public void renewLease(long untilNanos) {
        onThread(() -> {
            if (!leaseKnown || untilNanos - leaseUntil > 0) {
                leaseUntil = untilNanos;
                leaseKnown = true;
                writeLease();
            }
        });
    }

    private void writeLease() {
        if (!leaseKnown || !store.hasFenced()) {
            return;
        }
        try {
            store.fence().renew(leaseUntil);
            leaseUnwritten = false;
        } catch (IOException failed) {
            if (!leaseUnwritten) {
                LOG.error(
                        "this machine's lease can't be noted in {}: {}; its units with Fence=true will be stopped",
                        config.unitsDirectory(),
                        failed.toString());
            }
            leaseUnwritten = true;
        }
    }

    @Override
    public CompletableFuture<Set<String>> stoppedByFence() {
        return order(() -> {
            try {
                return CompletableFuture.completedFuture(store.fence().stopped());
            } catch (IOException unreadable) {
                return CompletableFuture.failedFuture(new UnitManagerException(
                        "which units the fence has stopped can't be read: " + unreadable, unreadable));
            }
        });
    }

    /** A start that met the end of the lease is one that the fence stopped. */
    private void notStarted(String unit, String result) {
        try {
            boolean leaseOver =
                    result.equals(Orders.DEPENDENCY) && !store.fence().held();
            if (store.isFenced(unit) && (leaseOver || result.equals(Orders.CANCELED))) {
                store.fence().mark(unit);
                lookAgain(unit);
            }
        } catch (IOException failed) {
            LOG.warn("{} was not started, and that can't be noted: {}", unit, failed.toString());
        }
    }

    @Override
    public CompletableFuture<Void> stop(String name) {
        return order(() -> {
            var done = new CompletableFuture<Void>();
            orders.stop(name, done);
            return done;
        });
    }

    @Override
    public CompletableFuture<Void> uninstall(Collection<String> names) {
        List<String> batch = List.copyOf(names);
        return order(() -> {
            Session current = session;
            List<CompletableFuture<Boolean>> resets = current == null
                    ? List.of()
                    : table.inState("failed", batch).stream()
                            .map(name -> current.systemd
                                    .resetFailed(name)
                                    .thenApply(reset -> true)
                                    .exceptionallyCompose(failure -> Futures.unlessLost(failure, false)))
                            .toList();
            return Futures.all(resets).thenComposeAsync(reset -> takeAway(batch), thread);
        });
    }

    private CompletableFuture<Void> takeAway(List<String> names) {
        Set<String> removed;
        try {
            removed = store.uninstall(names);
        } catch (IOException failed) {
            table.uninstall(
                    names.stream().filter(n -> !store.hashes().containsKey(n)).toList());
            return CompletableFuture.failedFuture(
                    new UnitManagerException("not all of " + names + " were uninstalled: " + failed, failed));
        }
        table.uninstall(removed);
        return reloadIfLoaded(removed, !removed.isEmpty());
    }

    @Override
    public CompletableFuture<Map<String, ObservedState>> states() {
        return order(() -> {
            Session current = session;
            return current == null
                    ? CompletableFuture.failedFuture(
                            new UnitManagerException("the states of units can't be read: " + lastFault))
                    : current.refresh(table.names()).thenApply(listed -> table.states());
        });
    }

    @Override
    public void subscribe(Listener newListener) {
        listener = newListener;
        onThread(() -> {
            if (session != null && session.ready) {
                relist();
            }
        });
    }

    @Override
    public String bootId() {
        return bootId;
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.execute(() -> {
                if (session != null) {
                    session.link.close();
                }
                orders.close();
                thread.shutdown();
            });
            if (!thread.awaitTermination(5, TimeUnit.SECONDS)) {
                thread.shutdownNow();
            }
        } catch (RejectedExecutionException closedBefore) {
            // Nothing is left to do.
        } catch (InterruptedException hurried) {
            thread.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    // --- The connection ------------------------------------------------------------------------------------------

    /** One connection's life. Signals come on its reading thread. */
    private final class Session implements Systemd.Signals {
        final BusLink link;
        final Systemd systemd;
        /** Whether all states have been read; the manager's thread's. */
        boolean ready;

        Session() throws IOException {
            link = BusLink.connect(
                    config.address(),
                    config.timing().call(),
                    Systemd.dispatcher(this),
                    reason -> onThread(() -> lost(this, reason)));
            systemd = new Systemd(link, config.direct());
        }

        /** Reads the states of units, then the main processes of those that may have one. */
        CompletableFuture<Void> refresh(Collection<String> names) {
            return systemd.listUnitsByNames(names)
                    .thenAccept(units -> {
                        if (table.listed(units)) {
                            flushSoon();
                        }
                    })
                    .thenComposeAsync(listed -> readMainPids(names), thread);
        }

        private CompletableFuture<Void> readMainPids(Collection<String> names) {
            return Futures.all(table.lackingPid(names).stream()
                    .map(name -> systemd.mainPid(name)
                            .exceptionallyCompose(failure -> Futures.unlessLost(failure, 0))
                            .thenAccept(pid -> {
                                if (table.mainPid(name, pid)) {
                                    flushSoon();
                                }
                            }))
                    .toList());
        }

        @Override
        public void unitChanged(String unitPath, PropertyScan properties) {
            if (table.changed(unitPath, properties)) {
                flushSoon();
            }
        }

        @Override
        public void jobRemoved(String job, String unit, String result) {
            if (table.contains(unit)) {
                onThread(() -> orders.jobRemoved(job, unit, result));
            }
        }

        @Override
        public void reloaded() {
            onThread(() -> look(this, table.names(), () -> {}));
        }

        @Override
        public void ownerChanged() {
            link.lost("systemd left the bus or came back to it");
        }
    }

    private void connect() {
        if (closed) {
            return;
        }
        Session opened;
        try {
            bootId = config.readBootId();
            store.repair();
            table.forgetPids();
            opened = new Session();
        } catch (IOException failed) {
            retry(String.valueOf(failed.getMessage()));
            return;
        }
        session = opened;
        CompletableFuture<Void> prepared = opened.systemd
                .subscribe()
                .thenCompose(subscribed -> store.reloadDue() ? reload(opened) : CompletableFuture.completedFuture(null))
                .thenCompose(reloaded -> opened.refresh(table.names()));
        Futures.handle(
                prepared,
                thread,
                listed -> ready(opened),
                failure -> opened.link.lost("systemd could not be asked for its units: " + failure.getMessage()));
    }

    private void ready(Session opened) {
        if (opened != session) {
            return;
        }
        attempts = 0;
        LOG.info(
                "connected to systemd at {}; {} units are installed",
                config.address(),
                table.names().size());
        opened.ready = true;
        orders.connected(opened.systemd);
        relist();
    }

    private void relist() {
        Listener target = listener;
        if (target != null) {
            tell(() -> target.relisted(table.drainAll()));
        }
    }

    private void lost(Session lost, String reason) {
        if (lost == session) {
            session = null;
            orders.disconnected(reason);
            retry(reason);
        }
    }

    private void retry(String reason) {
        if (closed) {
            return;
        }
        if (attempts == 0 || attempts == REMINDER) {
            LOG.warn(
                    "no connection to systemd at {}: {}; units run on, and it is tried again and again",
                    config.address(),
                    reason);
        }
        lastFault = "no connection to systemd: " + reason;
        Duration longest = config.timing().retryMax();
        long pause = Math.min(longest.toMillis(), config.timing().retryMin().toMillis() << Math.min(attempts, 16));
        attempts++;
        long jittered = pause / 2 + ThreadLocalRandom.current().nextLong(pause / 2 + 1);
        later(this::connect, Duration.ofMillis(jittered));
    }

    // --- Reloading and looking ------------------------------------------------------------------------------------

    /**
     * Has systemd read its files again if it had loaded one of these.
     *
     * @param due whether a reload would be due even after a break: files changed or went away
     */
    private CompletableFuture<Void> reloadIfLoaded(Collection<String> names, boolean due) {
        Session current = session;
        if (names.isEmpty() || current == null) {
            return CompletableFuture.completedFuture(null);
        }
        reloadChecks++;
        return anyLoaded(current.systemd, names)
                .thenCompose(loaded -> loaded
                        ? current.systemd.reload(config.timing().reload())
                        : CompletableFuture.<Void>completedFuture(null))
                .whenCompleteAsync(
                        (reloaded, failure) -> {
                            reloadChecks--;
                            if (failure == null && due && reloadChecks == 0) {
                                forgetReload();
                            }
                        },
                        thread);
    }

    private CompletableFuture<Void> reload(Session current) {
        return current.systemd.reload(config.timing().reload()).thenRunAsync(this::forgetReload, thread);
    }

    private void forgetReload() {
        try {
            store.reloadDone();
        } catch (IOException kept) {
            LOG.warn("the note that systemd must read its files again can't be removed: {}", kept.toString());
        }
    }

    private static CompletableFuture<Boolean> anyLoaded(Systemd systemd, Collection<String> names) {
        if (names.size() > LOOK_UP_LIMIT) {
            Set<String> wanted = Set.copyOf(names);
            return systemd.listLoadedUnits()
                    .thenApply(units -> units.stream().anyMatch(u -> wanted.contains(u.name())));
        }
        Set<String> loaded = ConcurrentHashMap.newKeySet();
        return Futures.all(names.stream()
                        .map(name -> systemd.isLoaded(name).thenAccept(is -> {
                            if (is) {
                                loaded.add(name);
                            }
                        }))
                        .toList())
                .thenApply(looked -> !loaded.isEmpty());
    }

    /** Units that are installed and not started never send a signal: ask for their state, a little later and all at once. */
    private void settleLater() {
        if (!settling) {
            settling = true;
            later(this::settle, config.timing().settle());
        }
    }

    private void settle() {
        settling = false;
        Set<String> unknown = table.unknown();
        Set<String> pending = orders.pending();
        Session current = session;
        if (unknown.isEmpty() || current == null) {
            return; // A new connection lists all.
        }
        List<String> quiet =
                unknown.stream().filter(name -> !pending.contains(name)).toList();
        if (quiet.size() < unknown.size()) {
            settleLater();
        }
        if (!quiet.isEmpty()) {
            look(current, quiet, () -> {});
        }
    }

    private void lookAgain(String unit) {
        Session current = session;
        if (current != null) {
            look(current, List.of(unit), () -> {
                if (table.repeat(unit)) {
                    flushSoon();
                }
            });
        }
    }

    private void look(Session current, Collection<String> units, Runnable after) {
        Futures.handle(current.refresh(units), thread, seen -> after.run(), failure -> {
            if (!(failure instanceof BusException error && error.isFateUnknown())) {
                LOG.warn("the states of {} units could not be read: {}", units.size(), failure.getMessage());
            }
        });
    }

    // --- Telling the listener, and running things on the thread ---------------------------------------------------

    private void flushSoon() {
        if (flushDue.compareAndSet(false, true)) {
            onThread(this::flush);
        }
    }

    private void flush() {
        flushDue.set(false);
        Listener target = listener;
        if (target != null) {
            table.drain().forEach((name, state) -> tell(() -> target.changed(name, state)));
        }
    }

    private static void tell(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException bug) {
            LOG.error("the listener of unit states failed; it misses a state", bug);
        }
    }

    private void onThread(Runnable task) {
        try {
            thread.execute(task);
        } catch (RejectedExecutionException afterClose) {
            LOG.debug("closed");
        }
    }

    private void later(Runnable task, Duration pause) {
        try {
            var ignored = thread.schedule(task, pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException afterClose) {
            LOG.debug("closed");
        }
    }

    /** Carries out an order on the thread; all failures become {@link UnitManagerException}s. */
    private <T> CompletableFuture<T> order(Supplier<CompletableFuture<T>> work) {
        var outcome = new CompletableFuture<T>();
        try {
            thread.execute(() -> {
                try {
                    var ignored = work.get().whenComplete((result, failure) -> {
                        if (failure == null) {
                            outcome.complete(result);
                        } else {
                            outcome.completeExceptionally(told(failure));
                        }
                    });
                } catch (RuntimeException bug) {
                    outcome.completeExceptionally(told(bug));
                }
            });
        } catch (RejectedExecutionException afterClose) {
            outcome.completeExceptionally(told(afterClose));
        }
        return outcome;
    }

    private UnitManagerException told(Throwable failure) {
        return switch (Futures.cause(failure)) {
            case UnitManagerException told -> told;
            case RejectedExecutionException afterClose -> UnitManagerException.notIssued("the unit manager is closed");
            case BusException error -> new UnitManagerException("systemd says: " + error.getMessage(), error);
            case Throwable bug -> new UnitManagerException("the unit manager failed: " + bug, bug);
        };
    }
}
