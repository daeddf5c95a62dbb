package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Commands;
import io.raftfleet.chaos.cluster.Needs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A disk for each engine, on {@code chaosfs}, a file system that forgets what was not synced, or is slow, or is full, when it is told
 * to. Made and removed by one thread; commands may come from any.
 */
public final class Disks implements AutoCloseable {
    private static final Duration MOUNT_LIMIT = Duration.ofSeconds(10);
    private static final String CONTROL = ".chaosfs";

    private final Map<String, Path> mounts = new HashMap<>();
    private final List<Process> processes = new ArrayList<>();
    private final Thread lastResort = new Thread(this::remove);

    private Disks() {}

    /** Why such disks can't be made here; empty where they can. */
    public static String obstacle(Path dir) {
        var missing = Needs.root();
        if (missing.isEmpty()) {
            missing = Needs.programs("gcc", "pkg-config");
        }
        if (missing.isEmpty() && !Files.isWritable(Path.of("/dev/fuse"))) {
            missing =
                    "/dev/fuse is not there or not writable; load the kernel's module fuse, or give the container the device";
        }
        if (!missing.isEmpty()) {
            return missing;
        }
        try {
            var unused = build(dir);
            return "";
        } catch (IllegalStateException | UncheckedIOException e) {
            return Needs.explained(String.valueOf(e.getMessage()));
        }
    }

    private static Path build(Path dir) {
        var flags = Commands.run("pkg-config", "--cflags", "--libs", "fuse3");
        return Helpers.build("chaosfs", dir, List.of(flags.strip().split("\\s+")));
    }

    /** Mounts one disk for each name, below a directory. */
    public static Disks create(Path dir, List<String> names) {
        var disks = new Disks();
        Runtime.getRuntime().addShutdownHook(disks.lastResort);
        boolean complete = false;
        try {
            var program = build(dir);
            for (var name : names) {
                disks.mount(program, dir.resolve("disk-" + name), name);
            }
            complete = true;
            return disks;
        } catch (IOException e) {
            throw new UncheckedIOException("no disks for engines below " + dir, e);
        } finally {
            if (!complete) {
                disks.close();
            }
        }
    }

    private void mount(Path program, Path dir, String name) throws IOException {
        var backing = Files.createDirectories(dir.resolve("backing"));
        var durable = Files.createDirectories(dir.resolve("durable"));
        var mount = Files.createDirectories(dir.resolve("mount"));
        var command = List.of(program.toString(), backing.toString(), durable.toString(), mount.toString());
        processes.add(new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve("log").toFile())
                .start());
        mounts.put(name, mount);
        Await.until(name + "'s disk is mounted", MOUNT_LIMIT, () -> Files.exists(mount.resolve(CONTROL)));
    }

    /** Where an engine's disk is. */
    public Path mount(String name) {
        var mount = mounts.get(name);
        if (mount == null) {
            throw new IllegalArgumentException(name + " has no disk of its own");
        }
        return mount;
    }

    /** Forgets what was not synced. Nothing may have files open. */
    public void drop(String name) {
        command(name, "drop");
    }

    /** Makes each write and sync take so many milliseconds longer. */
    public void slow(String name, int millis) {
        command(name, "slow " + millis);
    }

    /** Refuses writes for want of space, or no longer. */
    void full(String name, boolean isFull) {
        command(name, "full " + (isFull ? 1 : 0));
    }

    private void command(String name, String command) {
        try {
            Files.writeString(mount(name).resolve(CONTROL), command);
        } catch (IOException e) {
            throw new UncheckedIOException(name + "'s disk refuses \"" + command + "\"", e);
        }
    }

    @Override
    public void close() {
        remove();
        try {
            Runtime.getRuntime().removeShutdownHook(lastResort);
        } catch (IllegalStateException e) {
            // The virtual machine is on its way down already, the hook with it.
        }
    }

    private synchronized void remove() {
        mounts.values().forEach(mount -> {
            var unused = Commands.obstacle("umount", "--lazy", mount.toString());
        });
        mounts.clear();
        processes.forEach(Process::destroy);
        processes.clear();
    }
}
