package io.raftfleet.agent.systemd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.unit.Fence;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitName;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.MalformedInputException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The unit files of this machine's fleet units, in a directory of their own, and the links to them from the directory that
 * systemd searches. What is in the directory is ours; what systemd's directory holds beside our links is never touched.
 *
 * <p>All links of a unit follow from its file: they are made after the file and taken away before it, so that a process
 * killed half-way leaves nothing that the next one can't find. A file is replaced in one step. Contents are not synced one by
 * one: a file torn by a power loss has another hash than the registry wants, and is written again.
 *
 * <p>Guarded by its own lock.
 */
final class UnitStore {
    private static final Logger LOG = LoggerFactory.getLogger(UnitStore.class);
    /** No unit can have these names: they have no unit type. */
    private static final String TEMPORARY = ".new";

    private static final String RELOAD_DUE = ".reload-due";

    private final Path units;
    private final Path search;
    private final FenceFiles fence;

    /** Installed units with {@code Fence=true}. */
    @GuardedBy("this")
    private final Set<String> fenced = new HashSet<>();

    @GuardedBy("this")
    private final Map<String, UnitHash> hashes = new HashMap<>();

    /** Opens the directories, makes them where they are missing, and completes links that a killed process left out. */
    UnitStore(Path units, Path search) throws IOException {
        this.units = units.toAbsolutePath().normalize();
        this.search = search.toAbsolutePath().normalize();
        this.fence = new FenceFiles(this.units, this.search, System::nanoTime);
        Files.createDirectories(this.units);
        Files.createDirectories(this.search);
        Files.deleteIfExists(this.units.resolve(TEMPORARY));
        Map<String, UnitFile> files = read();
        synchronized (this) {
            for (Map.Entry<String, UnitFile> unit : files.entrySet()) {
                link(unit.getKey(), unit.getValue());
                hashes.put(unit.getKey(), unit.getValue().hash());
            }
        }
    }

    /** What fenced units need beside their files. */
    FenceFiles fence() {
        return fence;
    }

    synchronized boolean hasFenced() {
        return !fenced.isEmpty();
    }

    synchronized boolean isFenced(String name) {
        return fenced.contains(name);
    }

    /**
     * What an installation did.
     *
     * @param added units that had no file before
     * @param changed units whose file had other contents before
     * @param pulling by unit of these, the units with files here that are to pull it in; without those that nothing here pulls in
     * @param refused why units were left out, by name
     */
    record Installed(
            Set<String> added, Set<String> changed, Map<String, Set<String>> pulling, Map<String, String> refused) {}

    /** The files in place, read now. */
    Map<String, UnitFile> read() throws IOException {
        Map<String, UnitFile> files = new TreeMap<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(units)) {
            for (Path entry : entries) {
                String name = String.valueOf(entry.getFileName());
                if (!UnitName.isValid(name)) {
                    continue;
                }
                try {
                    files.put(name, UnitFile.stored(Files.readString(entry)));
                } catch (MalformedInputException torn) {
                    LOG.warn("{} is left alone: it is no unit file: {}", entry, torn.getMessage());
                }
            }
        }
        return files;
    }

    /** Hashes of the files in place, by unit. */
    synchronized Map<String, UnitHash> hashes() {
        return Map.copyOf(hashes);
    }

    /** Whether a path is that of the file that fleet has of a unit, or a link to it, such as {@code systemctl enable} makes. */
    boolean isFileOf(Path path, String name) {
        Path normal = path.normalize();
        Path own = units.resolve(name);
        try {
            return normal.equals(own)
                    || normal.equals(search.resolve(name))
                    || normal.toRealPath().equals(own.toRealPath());
        } catch (IOException leadsNowhere) {
            return false;
        }
    }

    /** Options of a unit's {@code [Unit]} section whose names begin so, as its file has them. */
    List<String> unitOptions(String name, String start) {
        try {
            return UnitFile.stored(Files.readString(units.resolve(name))).options().stream()
                    .filter(option ->
                            option.section().equals("Unit") && option.name().startsWith(start))
                    .map(option -> option.name() + "=" + option.value())
                    .toList();
        } catch (IOException unreadable) {
            return List.of();
        }
    }

    /** When the unit's file was put in place; the beginning of time when there is none. */
    Instant changedAt(String name) {
        try {
            return Files.getLastModifiedTime(units.resolve(name)).toInstant();
        } catch (IOException unknown) {
            return Instant.EPOCH;
        }
    }

    /** Writes and links unit files. What can't be written is refused and named; the rest is done all the same. */
    synchronized Installed install(Map<String, UnitFile> files) {
        Set<String> added = new LinkedHashSet<>();
        Set<String> changed = new LinkedHashSet<>();
        Map<String, Set<String>> pulling = new LinkedHashMap<>();
        Map<String, String> refused = new LinkedHashMap<>();
        files.forEach((name, file) -> {
            UnitHash before = hashes.get(name);
            if (file.hash().equals(before)) {
                return;
            }
            try {
                List<String> pulls = InstallLinks.of(name, file).stream()
                        .map(InstallLinks.Link::of)
                        .toList();
                if (!Collections.disjoint(pulls, hashes.keySet())) {
                    markReloadDue(); // Else a unit that is loaded never pulls this one in.
                }
                write(name, file, before != null);
                pulling.put(name, new LinkedHashSet<>(pulls));
                hashes.put(name, file.hash());
                (before == null ? added : changed).add(name);
            } catch (IOException failed) {
                refused.put(name, why(failed));
            }
        });
        if (!added.isEmpty() || !changed.isEmpty()) {
            sync();
        }
        pulling.values().forEach(pulls -> pulls.retainAll(hashes.keySet()));
        pulling.values().removeIf(Set::isEmpty);
        return new Installed(added, changed, pulling, refused);
    }

    /**
     * What taking units away did.
     *
     * @param removed units that were there and are there no longer
     * @param refused why units were left, by name
     */
    record Uninstalled(Set<String> removed, Map<String, String> refused) {}

    /** Takes away the files and links of units. What can't be is left and named; the rest is done all the same. */
    synchronized Uninstalled uninstall(Collection<String> names) {
        return uninstall(names, true);
    }

    /** The same for new files that systemd certainly has not loaded: it need not read its files again for them. */
    synchronized Uninstalled takeBack(Collection<String> names) {
        return uninstall(names, false);
    }

    @GuardedBy("this")
    private Uninstalled uninstall(Collection<String> names, boolean reload) {
        Set<String> removed = new LinkedHashSet<>();
        Map<String, String> refused = new LinkedHashMap<>();
        for (String name : names) {
            if (!hashes.containsKey(name)) {
                continue;
            }
            try {
                if (reload) {
                    markReloadDue();
                }
                takeAway(name);
                removed.add(name);
            } catch (IOException failed) {
                refused.put(name, why(failed));
            }
        }
        if (!removed.isEmpty()) {
            sync();
        }
        return new Uninstalled(removed, refused);
    }

    @GuardedBy("this")
    private void takeAway(String name) throws IOException {
        unlink(existingLinks(name));
        deleteIfOurs(search.resolve(name), units.resolve(name));
        if (fenced.remove(name)) {
            fence.forget(name);
        }
        Files.deleteIfExists(units.resolve(name));
        hashes.remove(name);
    }

    private static String why(IOException failed) {
        return String.valueOf(failed instanceof FileSystemException ? failed.toString() : failed.getMessage());
    }

    /** Makes links that are missing: systemd's directory may have been emptied, as by a boot. */
    synchronized void repair() throws IOException {
        Files.createDirectories(search);
        for (String name : hashes.keySet()) {
            Path last = fenced.contains(name) ? dropIn(name).path() : search.resolve(name);
            if (!Files.exists(search.resolve(name), LinkOption.NOFOLLOW_LINKS)
                    || !Files.exists(last, LinkOption.NOFOLLOW_LINKS)) {
                try {
                    link(name, UnitFile.stored(Files.readString(units.resolve(name))));
                } catch (MalformedInputException | NoSuchFileException damaged) {
                    LOG.warn("{} can't be linked: {}", units.resolve(name), damaged.toString());
                }
            }
        }
    }

    /** Whether files changed of which systemd has not been told; survives the process. */
    boolean reloadDue() {
        return Files.exists(units.resolve(RELOAD_DUE));
    }

    /** systemd knows of all changes. */
    void reloadDone() throws IOException {
        Files.deleteIfExists(units.resolve(RELOAD_DUE));
    }

    /**
     * Makes systemd look at its directory again. systemd remembers which files there are as of the directory's time of
     * change, whose steps are milliseconds: a file linked right after systemd looked may go unnoticed.
     */
    void touch() throws IOException {
        Files.setLastModifiedTime(search, FileTime.from(Instant.now()));
    }

    private void markReloadDue() throws IOException {
        try {
            Files.createFile(units.resolve(RELOAD_DUE));
        } catch (FileAlreadyExistsException alreadyDue) {
            // As it should be.
        }
    }

    @GuardedBy("this")
    private void write(String name, UnitFile file, boolean replacing) throws IOException {
        if (!UnitName.isValid(name)) {
            throw new IOException("not a unit's name");
        }
        Path own = units.resolve(name);
        Path link = search.resolve(name);
        if (!isOurs(link, own.toString()) && Files.exists(link, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(link + " is not fleet's; move it away, or give the unit another name");
        }
        Path temporary = units.resolve(TEMPORARY);
        Files.writeString(temporary, file.text());
        if (replacing) {
            markReloadDue();
            Set<Link> gone = new HashSet<>(existingLinks(name));
            links(name, file).forEach(gone::remove);
            unlink(gone);
        }
        Files.move(temporary, own, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        link(name, file);
    }

    /**
     * One link beside the unit's own.
     *
     * @param inFolder whether it is in a folder that is there for such links alone
     */
    private record Link(Path path, Path target, boolean inFolder) {}

    private List<Link> links(String name, UnitFile file) {
        List<Link> links = new ArrayList<>();
        if (Fence.applies(name, file.text())) {
            links.add(dropIn(name));
        }
        for (InstallLinks.Link link : InstallLinks.of(name, file)) {
            Path target = link.alias() ? Path.of(name) : units.resolve(name);
            links.add(new Link(search.resolve(link.path()), target, !link.alias()));
        }
        return links;
    }

    private Link dropIn(String name) {
        return new Link(search.resolve(name + ".d").resolve(FenceFiles.DROP_IN), fence.dropIn(), true);
    }

    private List<Link> existingLinks(String name) throws IOException {
        try {
            return links(name, UnitFile.stored(Files.readString(units.resolve(name))));
        } catch (NoSuchFileException | MalformedInputException unknown) {
            return List.of();
        }
    }

    @GuardedBy("this")
    private void link(String name, UnitFile file) throws IOException {
        fence(name, file);
        makeLink(search.resolve(name), units.resolve(name), name);
        for (Link link : links(name, file)) {
            makeLink(link, name);
        }
    }

    /** Before the unit's own link: a unit that systemd finds must be fenced. */
    @GuardedBy("this")
    private void fence(String name, UnitFile file) throws IOException {
        if (!Fence.applies(name, file.text())) {
            if (fenced.remove(name)) {
                fence.forget(name);
            }
            return;
        }
        if (fence.prepare()) {
            markReloadDue();
        }
        makeLink(dropIn(name), name);
        fenced.add(name);
    }

    private static void makeLink(Link link, String name) throws IOException {
        Path folder = link.path().getParent();
        if (link.inFolder() && folder != null) {
            Files.createDirectories(folder);
        }
        makeLink(link.path(), link.target(), name);
    }

    private static void makeLink(Path link, Path target, String name) throws IOException {
        try {
            Files.createSymbolicLink(link, target);
        } catch (FileAlreadyExistsException there) {
            if (!isOurs(link, target.toString())) {
                LOG.warn("{}: {} is left alone: it is not fleet's", name, link);
            }
        }
    }

    private static void unlink(Collection<Link> links) throws IOException {
        for (Link link : links) {
            deleteIfOurs(link.path(), link.target());
            Path folder = link.path().getParent();
            if (link.inFolder() && folder != null) {
                try {
                    Files.deleteIfExists(folder);
                } catch (DirectoryNotEmptyException shared) {
                    // Other units are wanted there too.
                }
            }
        }
    }

    private static void deleteIfOurs(Path link, Path target) throws IOException {
        if (isOurs(link, target.toString())) {
            Files.deleteIfExists(link);
        }
    }

    private static boolean isOurs(Path link, String target) {
        try {
            return Files.readSymbolicLink(link).toString().equals(target);
        } catch (IOException | UnsupportedOperationException noLink) {
            return false;
        }
    }

    private void sync() {
        for (Path directory : List.of(units, search)) {
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            } catch (IOException unsupported) {
                LOG.debug("{} can't be synced: {}", directory, unsupported.toString());
            }
        }
    }
}
