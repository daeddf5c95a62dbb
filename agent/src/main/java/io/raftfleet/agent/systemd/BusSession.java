package io.raftfleet.agent.systemd;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One connection to systemd, from its opening to its loss: what systemd says over it goes into the {@link StateTable}. Signals
 * come on its reading thread; all else is the manager's thread's.
 */
final class BusSession implements Systemd.Signals {
    private static final Systemd.Ending UNKNOWN = new Systemd.Ending("", 0, 0);

    private final StateTable table;
    private final StateNews news;
    private final ManagerThread thread;
    private final Host host;
    private final BusLink link;
    private final Systemd systemd;
    private final Duration reload;
    private boolean ready;

    /** What a connection needs of its manager. Called on its thread. */
    interface Host {
        void jobRemoved(String job, String unit, String result);

        /** Finds out why systemd can't load a unit; the future does not fail. */
        CompletableFuture<String> loadFault(Systemd systemd, String unit, String loadState);

        /** systemd finds no file of some units: it is to look again when it is asked next. */
        void haveFilesSeen();

        /** systemd has read its files again. */
        void reloaded(BusSession session);

        /** The connection is gone, for this reason; told once. */
        void lost(BusSession session, String reason);
    }

    BusSession(
            BusLink.Opened opened,
            SystemdConfig config,
            StateTable table,
            StateNews news,
            ManagerThread thread,
            Host host) {
        this.table = table;
        this.news = news;
        this.thread = thread;
        this.host = host;
        link = BusLink.begin(
                opened,
                config.timing().call(),
                Systemd.dispatcher(this),
                reason -> thread.run(() -> host.lost(this, reason)));
        systemd = new Systemd(link, config.direct());
        reload = config.timing().reload();
    }

    Systemd systemd() {
        return systemd;
    }

    /** Whether all states have been read. */
    boolean isReady() {
        return ready;
    }

    void markReady() {
        ready = true;
    }

    /**
     * Reads the states of units, again of those whose files systemd does not find, as it may have looked right before they came; then the main processes of those that may have one, and what is wrong with others. */
    CompletableFuture<Void> refresh(Collection<String> names) {
        Set<String> overlooked = ConcurrentHashMap.newKeySet();
        long asked = table.installs();
        return systemd.listUnitsByNames(names, units -> {
                    List<Systemd.ListedUnit> found = new ArrayList<>(units);
                    found.removeIf(unit -> unit.loadState().equals("not-found") && overlooked.add(unit.name()));
                    take(found, asked);
                })
                .thenComposeAsync(
                        listed -> {
                            if (overlooked.isEmpty()) {
                                return CompletableFuture.<Void>completedFuture(null);
                            }
                            host.haveFilesSeen();
                            long askedAgain = table.installs();
                            return systemd.listUnitsByNames(overlooked, units -> take(units, askedAgain));
                        },
                        thread.executor())
                .thenComposeAsync(
                        listed -> Futures.all(List.of(readMainPids(names), readEndings(names), readLoadFaults(names))),
                        thread.executor());
    }

    private void take(List<Systemd.ListedUnit> units, long asked) {
        if (table.listed(units, asked)) {
            news.tellSoon();
        }
    }

    private CompletableFuture<Void> readEndings(Collection<String> names) {
        return Futures.all(table.lackingEnding(names).stream()
                .map(name -> systemd.ending(name)
                        .exceptionallyCompose(failure -> Futures.unlessLost(failure, UNKNOWN))
                        .thenAccept(ending -> {
                            if (table.ended(name, ending)) {
                                news.tellSoon();
                            }
                        }))
                .toList());
    }

    private CompletableFuture<Void> readLoadFaults(Collection<String> names) {
        List<CompletableFuture<Void>> read = new ArrayList<>();
        table.lackingLoadFault(names)
                .forEach((name, load) ->
                        read.add(host.loadFault(systemd, name, load).thenAccept(why -> {
                            if (table.notLoaded(name, load, why)) {
                                news.tellSoon();
                            }
                        })));
        return Futures.all(read);
    }

    private CompletableFuture<Void> readMainPids(Collection<String> names) {
        return Futures.all(table.lackingPid(names).stream()
                .map(name -> systemd.mainPid(name)
                        .exceptionallyCompose(failure -> Futures.unlessLost(failure, 0))
                        .thenAccept(pid -> {
                            if (table.mainPid(name, pid)) {
                                news.tellSoon();
                            }
                        }))
                .toList());
    }

    /** Gives the connection up. */
    void giveUp(String reason) {
        link.lost(reason);
    }

    void close() {
        link.close();
    }

    @Override
    public void unitChanged(String unitPath, PropertyScan properties) {
        if (table.changed(unitPath, properties)) {
            news.tellSoon();
        }
    }

    @Override
    public void jobRemoved(String job, String unit, String result) {
        pass(() -> host.jobRemoved(job, unit, result));
    }

    @Override
    public void reloading() {
        link.busy(reload);
    }

    @Override
    public void reloaded() {
        link.notBusy();
        pass(() -> host.reloaded(this));
    }

    /** With the next connection all is read anew. */
    private void pass(Runnable signal) {
        if (!thread.signal(signal)) {
            link.lost("the unit manager was too busy for systemd's signals");
        }
    }

    @Override
    public void ownerChanged() {
        link.lost("systemd left the bus or came back to it");
    }
}
