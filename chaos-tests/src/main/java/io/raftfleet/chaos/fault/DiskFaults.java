package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.cluster.NotInTimeException;
import io.raftfleet.proto.cluster.EngineRole;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Disks that forget, are slow, full, empty or damaged. */
final class DiskFaults {
    private static final Duration REFUSAL_LIMIT = Duration.ofSeconds(40);
    private static final String NO_LOG = "no log yet";

    private final Targets targets;
    private final @Nullable Disks disks;
    private final String obstacle;

    /** @param disks absent when engines' data lies on the host's file system */
    DiskFaults(Targets targets, @Nullable Disks disks, String obstacle) {
        this.targets = targets;
        this.disks = disks;
        this.obstacle = obstacle;
    }

    List<FaultSource> sources() {
        return List.of(
                new SimpleSource("power-loss", obstacle, this::powerLoss),
                new SimpleSource("slow-disk", obstacle, this::slow),
                new SimpleSource("full-disk", obstacle, this::full),
                new SimpleSource("lost-disk", "", this::lost),
                new SimpleSource("corrupt-tail", "", this::corruptTail),
                new SimpleSource("corrupt-middle", "", this::corruptMiddle));
    }

    private Fault powerLoss(RandomGenerator random) {
        var engines = targets.cluster().engines();
        return new SimpleFault(
                targets.engineNames(),
                new HashSet<>(targets.engineNames()),
                "all engines, unsynced data gone",
                e -> {
                    engines.forEach(engine -> engine.daemon().kill());
                    engines.forEach(EngineNode::kill);
                    engines.forEach(engine -> disks().drop(engine.id()));
                },
                e -> engines.forEach(EngineNode::start));
    }

    private Fault slow(RandomGenerator random) {
        var engine = targets.engine(random);
        int millis = 5 + random.nextInt(60);
        return new SimpleFault(
                List.of(engine.id()),
                Set.of("disk-" + engine.id()),
                "each write of " + targets.show(engine) + " takes " + millis + " ms longer",
                e -> disks().slow(engine.id(), millis),
                e -> disks().slow(engine.id(), 0));
    }

    private Fault full(RandomGenerator random) {
        var engine = targets.engine(random);
        return new SimpleFault(
                List.of(engine.id()),
                Set.of(engine.id(), "disk-" + engine.id()),
                targets.show(engine),
                e -> disks().full(engine.id(), true),
                e -> {
                    disks().full(engine.id(), false);
                    e.tell(
                            engine.id() + " lives through a full disk",
                            engine.daemon().running(),
                            engine.daemon().tail(3));
                    engine.start();
                });
    }

    private Fault lost(RandomGenerator random) {
        var engine = targets.engine(random);
        var aside = engine.dataDir().resolveSibling(engine.id() + "-aside");
        return new SimpleFault(
                List.of(engine.id()),
                Set.of(engine.id()),
                targets.show(engine) + " starts empty",
                e -> {
                    engine.kill();
                    move(engine.dataDir(), aside);
                    refuses(engine, "bootstrap", "an engine that lost its disk does not vote under its old name", e);
                },
                e -> {
                    if (Files.exists(aside)) {
                        delete(engine.dataDir());
                        move(aside, engine.dataDir());
                    }
                    engine.start();
                });
    }

    private Fault corruptTail(RandomGenerator random) {
        var engine = targets.engine(random);
        var torn = new byte[12 + random.nextInt(40)];
        random.nextBytes(torn);
        // Claims more bytes than follow, as an entry that was cut off.
        torn[0] = 100;
        var damage = new Damage();
        return new SimpleFault(
                List.of(engine.id()),
                Set.of(engine.id()),
                "half an entry at the end of " + engine.id() + "'s log",
                e -> {
                    engine.kill();
                    RaftLogFiles.open(engine.dataDir()).ifPresent(file -> {
                        damage.path = file.path();
                        damage.at = file.end();
                        RaftLogFiles.write(file.path(), file.end(), torn);
                    });
                },
                e -> {
                    engine.start();
                    boolean lives = lives(engine);
                    e.tell(
                            engine.id() + " starts although power failed while it wrote an entry",
                            lives,
                            engine.daemon().tail(1));
                    var path = damage.path;
                    if (!lives && path != null) {
                        RaftLogFiles.write(path, damage.at, new byte[torn.length]);
                        engine.start();
                    }
                });
    }

    private Fault corruptMiddle(RandomGenerator random) {
        var engine = targets.engine(random);
        var damage = new Damage();
        double where = random.nextDouble();
        return new SimpleFault(
                List.of(engine.id()),
                Set.of(engine.id()),
                "a byte in the middle of " + engine.id() + "'s log",
                e -> {
                    engine.kill();
                    var file = RaftLogFiles.longest(engine.dataDir());
                    int entries = file.map(f -> f.entries().size()).orElse(0);
                    if (file.isEmpty() || entries < 3) {
                        e.tell("a damaged log is refused", true, NO_LOG);
                        return;
                    }
                    var entry = file.get().entries().get((int) (where * (entries - 2)));
                    damage.path = file.get().path();
                    // Behind the length, so that only the checksum can tell.
                    damage.at = entry.to() - 5;
                    RaftLogFiles.flip(damage.path, damage.at);
                    refuses(
                            engine,
                            damage.path.getFileName().toString(),
                            "a log with a wrong checksum is refused, naming the file",
                            e);
                },
                e -> {
                    engine.kill();
                    var path = damage.path;
                    if (path != null && Files.exists(path)) {
                        RaftLogFiles.flip(path, damage.at);
                    }
                    engine.start();
                });
    }

    /** Confined to the thread that injects. */
    private static final class Damage {
        @Nullable
        Path path;

        long at;
    }

    /** Whether an engine answers, some time after its start. */
    private static boolean lives(EngineNode engine) {
        try {
            Await.until(
                    engine.id() + " answers or ends",
                    REFUSAL_LIMIT,
                    () -> !engine.daemon().running() || takesPart(engine));
        } catch (NotInTimeException e) {
            return false;
        }
        return engine.daemon().running();
    }

    /** Whether it has opened its log. One that is cut off from all leaders, and has no checkpoint yet, applies nothing of it. */
    private static boolean takesPart(EngineNode engine) {
        var role = engine.status(Duration.ofSeconds(1)).getSelf().getRole();
        return role != EngineRole.ENGINE_ROLE_CLOSED && role != EngineRole.ENGINE_ROLE_UNSPECIFIED;
    }

    private void refuses(EngineNode engine, String word, String what, Fault.Expectation expectation) {
        var process = targets.cluster().withoutBootstrap(engine);
        process.start();
        try {
            int exit = process.awaitExit(REFUSAL_LIMIT);
            var said = process.tail(30);
            expectation.tell(what, exit != 0 && said.contains(word), "exit code " + exit + ": " + process.tail(1));
        } catch (NotInTimeException e) {
            expectation.tell(what, false, "it runs on: " + process.tail(2));
        } finally {
            if (process.running()) {
                process.kill();
                var unused = process.awaitExit(REFUSAL_LIMIT);
            }
        }
    }

    private static void move(Path from, Path to) {
        try {
            Files.move(from, to);
        } catch (IOException e) {
            throw new UncheckedIOException(from + " can't be moved", e);
        }
    }

    private static void delete(Path dir) {
        if (!Files.exists(dir)) {
            return;
        }
        try (var files = Files.walk(dir)) {
            for (var file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(dir + " can't be removed", e);
        }
    }

    private Disks disks() {
        if (disks == null) {
            throw new IllegalStateException("no disks: " + obstacle);
        }
        return disks;
    }
}
