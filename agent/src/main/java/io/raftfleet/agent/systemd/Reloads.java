package io.raftfleet.agent.systemd;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has systemd read its files again, when it must: when a file that it had loaded changed or went away. That one is due is noted
 * by the {@link UnitStore}, over breaks of the connection too, until it is done. Owned by the manager's thread.
 */
final class Reloads {
    private static final Logger LOG = LoggerFactory.getLogger(Reloads.class);
    /** Up to this many units are looked up one by one; for more, one list of all that systemd has loaded is cheaper. */
    private static final int LOOK_UP_LIMIT = 64;

    private final UnitStore store;
    private final Duration limit;
    private final Executor thread;
    private int checks;
    /** Systemd refused to: files are not as it knows them, whatever changes next. */
    private boolean owed;

    /** @param limit how long systemd may take */
    Reloads(UnitStore store, Duration limit, Executor thread) {
        this.store = store;
        this.limit = limit;
        this.thread = thread;
    }

    /** After a new connection: what was due before. */
    CompletableFuture<Void> catchUp(Systemd systemd) {
        return store.reloadDue()
                ? systemd.reload(limit)
                        .thenRunAsync(
                                () -> {
                                    owed = false;
                                    forget();
                                },
                                thread)
                : CompletableFuture.completedFuture(null);
    }

    /**
     * Has systemd read its files again if it had loaded one of these.
     *
     * @param due whether a reload would be due even after a break: files changed or went away
     * @param before what to do with those that it had loaded before it reads their files again, on the manager's thread; completes with
     *     those of them whose files are others than it knows also after that
     */
    CompletableFuture<Void> ifLoaded(
            Systemd systemd,
            Collection<String> names,
            boolean due,
            Function<Set<String>, CompletableFuture<Set<String>>> before) {
        checks++;
        boolean refusedBefore = owed;
        return loaded(systemd, names)
                .thenComposeAsync(before, thread)
                .thenCompose(stale -> !stale.isEmpty() || refusedBefore
                        ? systemd.reload(limit)
                        : CompletableFuture.<Void>completedFuture(null))
                .whenCompleteAsync(
                        (reloaded, failure) -> {
                            checks--;
                            if (failure != null) {
                                owed = owed || due;
                            } else if (due || refusedBefore) {
                                owed = owed && !refusedBefore;
                                if (!owed && checks == 0) {
                                    forget();
                                }
                            }
                        },
                        thread);
    }

    /** Whether systemd has to read its files again although nothing changed since it refused to. */
    boolean owed() {
        return owed;
    }

    private void forget() {
        try {
            store.reloadDone();
        } catch (IOException kept) {
            LOG.warn("the note that systemd must read its files again can't be removed: {}", kept.toString());
        }
    }

    private static CompletableFuture<Set<String>> loaded(Systemd systemd, Collection<String> names) {
        if (names.size() > LOOK_UP_LIMIT) {
            Set<String> wanted = Set.copyOf(names);
            return systemd.listLoadedUnits()
                    .thenApply(units -> units.stream()
                            .map(Systemd.ListedUnit::name)
                            .filter(wanted::contains)
                            .collect(Collectors.toSet()));
        }
        Set<String> loaded = ConcurrentHashMap.newKeySet();
        return Futures.all(names.stream()
                        .map(name -> systemd.isLoaded(name).thenAccept(is -> {
                            if (is) {
                                loaded.add(name);
                            }
                        }))
                        .toList())
                .thenApply(looked -> loaded);
    }
}
