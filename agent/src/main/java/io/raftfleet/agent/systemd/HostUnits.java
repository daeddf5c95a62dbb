package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.UnitHash;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files of the host that systemd takes instead of a cluster's unit of the same name: those in directories that come before fleet's
 * in its search path ({@code systemd.unit(5)}), and drop-in files. Looked at when files change, never by time. Owned by the
 * manager's thread.
 */
final class HostUnits {
    private static final Logger LOG = LoggerFactory.getLogger(HostUnits.class);
    private static final Path NOTHING = Path.of("/dev/null");
    /** Nothing to say of a unit. */
    private static final CompletableFuture<String> NONE = CompletableFuture.completedFuture("");

    private final Path search;
    private final UnitStore store;
    private final StateTable table;
    private final StateNews news;
    private final Executor thread;
    /** New files of which it is not known yet whether the host runs a unit of that name: the connection was lost before. */
    private final Set<String> unchecked = new HashSet<>();

    private List<Path> all = List.of();
    private List<Path> before = List.of();

    /** @param search the directory that fleet's links are in */
    HostUnits(Path search, UnitStore store, StateTable table, StateNews news, Executor thread) {
        this.search = search.toAbsolutePath().normalize();
        this.store = store;
        this.table = table;
        this.news = news;
        this.thread = thread;
    }

    /** systemd's search path, from its property {@code UnitPath}: highest priority first. */
    void searchPathIs(List<String> path) {
        all = path.stream().map(Path::of).map(Path::normalize).toList();
        int own = all.indexOf(search);
        if (own < 0) {
            LOG.warn("systemd does not search {} for unit files; it searches {}", search, path);
        }
        before = own < 0 ? List.of() : all.subList(0, own);
    }

    /** Of these units, those that systemd takes from a file of the host's, each with what to say of it. */
    Map<String, String> shadowing(Collection<String> names) {
        Map<String, String> found = new LinkedHashMap<>();
        Set<String> wanted = Set.copyOf(names);
        for (Path directory : before) {
            for (Path file : entries(directory)) {
                String name = String.valueOf(file.getFileName());
                if (wanted.contains(name) && !found.containsKey(name) && !store.isFileOf(file, name)) {
                    found.put(name, words(file));
                }
            }
        }
        return found;
    }

    /** Files of the host by which it changes these units, by unit. Those that are for many units are not among them. */
    private Map<String, String> dropIns(Set<String> names) {
        Map<String, String> found = new LinkedHashMap<>();
        for (Path directory : all) {
            for (Path folder : entries(directory)) {
                String folderName = String.valueOf(folder.getFileName());
                String name = folderName.endsWith(".d") ? folderName.substring(0, folderName.length() - 2) : "";
                if (names.contains(name)) {
                    entries(folder).stream()
                            .filter(file -> file.toString().endsWith(".conf") && !file.endsWith(FenceFiles.DROP_IN))
                            .forEach(file -> found.merge(name, file.toString(), (one, more) -> one + ", " + more));
                }
            }
        }
        return found;
    }

    private static List<Path> entries(Path directory) {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
            stream.forEach(entries::add);
        } catch (IOException | DirectoryIteratorException none) {
            return List.of();
        }
        return entries;
    }

    /** Files of the host may have come, or gone, that systemd takes instead of fleet's, or that change fleet's. */
    void look() {
        Set<String> names = table.names();
        if (table.onHost(shadowing(names), dropIns(names))) {
            news.tellSoon();
        }
    }

    /**
     * Without a connection: of these units, those that have no file of fleet's yet, or one that was never checked, each with what to say of
     * it. The host may run units of theirs, which would seem to be fleet's, and be stopped as such.
     *
     * @param fault why there is no connection
     */
    Map<String, String> unknown(Collection<String> names, String fault) {
        Map<String, UnitHash> known = store.hashes();
        Map<String, String> found = new LinkedHashMap<>();
        for (String name : names) {
            if (!known.containsKey(name) || unchecked.contains(name)) {
                found.put(name, "whether this machine runs a unit of its own with that name is not known: " + fault);
            }
        }
        return found;
    }

    /** Of the units of an installation, those that {@link #giveBack} has to look at: with a new file, or with one not checked. */
    Set<String> toCheck(Collection<String> added, Collection<String> names) {
        unchecked.addAll(added);
        return names.stream().filter(unchecked::contains).collect(Collectors.toSet());
    }

    /**
     * It could not be found out, for some of these units, whether the host runs one of that name: their new files are taken away again. Returns
     * whose.
     */
    Collection<String> takeBack(Set<String> names) {
        List<String> open = names.stream().filter(unchecked::contains).toList();
        if (open.isEmpty()) {
            return open;
        }
        UnitStore.Uninstalled away = store.uninstall(open);
        table.uninstall(away.removed());
        uninstalled(away.removed());
        return away.removed();
    }

    /** Their files are gone. */
    void uninstalled(Collection<String> names) {
        names.forEach(unchecked::remove);
    }

    /**
     * Takes away the new files of units that the host runs from a file of its own, or without one: fleet's of that name must not seem to run.
     * Completes with those whose files are gone, and of which systemd has read nothing. Fails when the connection is lost before that is known;
     * then {@link #takeBack}.
     *
     * @param loaded what systemd had loaded before it knew of new files
     * @param toCheck units to look at
     * @param ours units that an earlier order started; they may have lost their files
     * @param refused gets those taken away, each with what to say of it
     */
    CompletableFuture<Set<String>> giveBack(
            @Nullable BusSession session,
            Set<String> loaded,
            Set<String> toCheck,
            Set<String> ours,
            Map<String, String> refused) {
        List<String> names = loaded.stream().filter(toCheck::contains).toList();
        if (names.isEmpty()) {
            unchecked.removeAll(toCheck);
            return CompletableFuture.completedFuture(Set.of());
        }
        if (session == null) {
            return CompletableFuture.failedFuture(
                    UnitManagerException.notIssued("the connection to systemd was lost meanwhile"));
        }
        Map<String, String> foreign = new ConcurrentHashMap<>();
        return Futures.all(names.stream()
                        .map(name -> runsItsOwn(session.systemd(), name, ours.contains(name))
                                .thenAccept(why -> {
                                    if (!why.isEmpty()) {
                                        foreign.put(name, why);
                                    }
                                }))
                        .toList())
                .thenApplyAsync(
                        looked -> {
                            unchecked.removeAll(toCheck);
                            UnitStore.Uninstalled away = store.takeBack(foreign.keySet());
                            table.uninstall(away.removed());
                            refused.putAll(foreign);
                            return away.removed();
                        },
                        thread)
                .thenCompose(gone -> unknownTo(session.systemd(), gone));
    }

    /**
     * Of these units, whose files were there for a moment, those of which systemd has not read them. It has when somebody else had it read all
     * files just then: it would take the file for what the unit runs from, and so would the next look at that unit.
     */
    private CompletableFuture<Set<String>> unknownTo(Systemd systemd, Set<String> gone) {
        Set<String> unknown = ConcurrentHashMap.newKeySet();
        unknown.addAll(gone);
        return Futures.all(gone.stream()
                        .map(name -> systemd.unitText(name, "FragmentPath")
                                .exceptionallyCompose(failure -> Futures.unlessLost(failure, ""))
                                .thenAccept(path -> {
                                    if (!path.isEmpty() && store.isFileOf(Path.of(path), name)) {
                                        unknown.remove(name);
                                    }
                                }))
                        .toList())
                .thenApply(looked -> unknown);
    }

    /** Whether the host runs a unit of this name that is not fleet's, and what to say of that; empty when it does not. */
    private CompletableFuture<String> runsItsOwn(Systemd systemd, String name, boolean ours) {
        return systemd.unitText(name, "ActiveState")
                .thenCompose(active -> isUp(active)
                        ? systemd.unitText(name, "FragmentPath").thenCompose(path -> whose(systemd, name, path, ours))
                        : NONE)
                .exceptionallyCompose(failure -> Futures.unlessLost(failure, ""));
    }

    /** Whether a unit in this active state has something on the machine: it is active, or on its way there or from there. */
    private static boolean isUp(String activeState) {
        return !activeState.equals("inactive") && !activeState.equals("failed");
    }

    /** The same of a unit that is up. */
    private CompletableFuture<String> whose(Systemd systemd, String name, String path, boolean ours) {
        if (path.isEmpty()) {
            return ours ? NONE : withoutFile(systemd, name);
        }
        return store.isFileOf(Path.of(path), name)
                ? NONE
                : CompletableFuture.completedFuture("this machine runs a unit of its own with that name, from " + path
                        + "; stop that, or give the unit another name");
    }

    /** Of a unit that is up and has no file: systemd has units of what others mount and switch on, and of slices that others are in. */
    private CompletableFuture<String> withoutFile(Systemd systemd, String name) {
        return switch (name.substring(name.lastIndexOf('.') + 1)) {
            case "mount" ->
                CompletableFuture.completedFuture(
                        "this machine has mounted that by itself; unmount it, or give the unit another place");
            case "swap" ->
                CompletableFuture.completedFuture(
                        "this machine swaps to that by itself; switch it off, or give the unit another device");
            case "slice" ->
                ofHost(systemd, name)
                        .thenApply(unit -> unit.isEmpty()
                                ? ""
                                : "this machine has a unit of its own in that slice, " + unit
                                        + "; stop that, or give the slice another name");
            default -> NONE;
        };
    }

    /**
     * One unit in a slice, or in a slice of that, that is up and none of fleet's; empty when there is none. Those that systemd merely has in
     * memory lose nothing with the slice.
     */
    private CompletableFuture<String> ofHost(Systemd systemd, String slice) {
        Set<String> fleets = store.hashes().keySet();
        return systemd.unitTexts(slice, "SliceOf").thenCompose(units -> {
            List<CompletableFuture<String>> found = new ArrayList<>();
            List<String> members = new ArrayList<>();
            for (String unit : units) {
                if (unit.endsWith(".slice")) {
                    found.add(ofHost(systemd, unit));
                } else if (!fleets.contains(unit)) {
                    members.add(unit);
                }
            }
            found.addFirst(members.isEmpty() ? NONE : firstUp(systemd, members));
            return found.stream()
                    .reduce(
                            NONE,
                            (one, other) -> one.thenCombine(other, (first, next) -> first.isEmpty() ? next : first));
        });
    }

    private static CompletableFuture<String> firstUp(Systemd systemd, Collection<String> units) {
        return systemd.listUnitsByNames(units)
                .thenApply(listed -> listed.stream()
                        .filter(unit -> isUp(unit.activeState()))
                        .map(Systemd.ListedUnit::name)
                        .findFirst()
                        .orElse(""));
    }

    private static String words(Path file) {
        return isMask(file)
                ? "this machine masks it by " + file + "; remove that link, or give the unit another name"
                : "this machine has a unit of its own with that name, " + file
                        + ", which systemd takes instead; move it away, or give the unit another name";
    }

    private static boolean isMask(Path file) {
        try {
            return Files.isSymbolicLink(file)
                    ? file.resolveSibling(Files.readSymbolicLink(file))
                            .normalize()
                            .equals(NOTHING)
                    : Files.size(file) == 0;
        } catch (IOException unreadable) {
            return false;
        }
    }
}
