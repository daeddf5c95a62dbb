package io.raftfleet.chaos.cluster;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The daemons as the build left them: each module's {@code target/lib} and its jar, or its classes where there is no jar yet; with the
 * start-up caches that {@code bin/fleet up} makes, where it has made them. With the system property {@code raftfleet.train} they are
 * made before the first cluster starts.
 *
 * @param root the project's directory
 */
record Programs(Path root) {
    private static final String ENGINE = "io.raftfleet.engine.FleetEngine";
    private static final Duration TRAINING = Duration.ofMinutes(3);
    private static final String AGENT = "io.raftfleet.agent.main.FleetAgent";
    /** One compiler, one collector thread, small heaps: many such processes share few cores for a short time. Memory goes back as from the launchers' engines. */
    private static final List<String> JVM = List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:TrimNativeHeapInterval=10000",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow");

    private static final AtomicBoolean TRAINED = new AtomicBoolean(System.getProperty("raftfleet.train") == null);

    /** Those of the project that the system property {@code raftfleet.root} names, or that the current directory belongs to. */
    static Programs find() {
        var named = System.getProperty("raftfleet.root");
        if (named != null) {
            return new Programs(Path.of(named)).trained();
        }
        for (Path dir = Path.of("").toAbsolutePath(); dir != null; dir = dir.getParent()) {
            if (Files.isDirectory(dir.resolve("engine")) && Files.isDirectory(dir.resolve("chaos-tests"))) {
                return new Programs(dir).trained();
            }
        }
        throw new IllegalStateException("the current directory is not inside the project: "
                + Path.of("").toAbsolutePath());
    }

    private Programs trained() {
        if (!TRAINED.getAndSet(true)) {
            try {
                System.out.println(
                        Commands.run(TRAINING, List.of(root.resolve("bin/fleet").toString(), "train")));
            } catch (IllegalStateException | UncheckedIOException e) {
                System.out.println("All starts more slowly: " + e.getMessage());
            }
        }
        return this;
    }

    Path systemdMachine() {
        return root.resolve("bin/systemd-machine");
    }

    List<String> engine(int heapMb) {
        return java("engine", ENGINE, heapMb);
    }

    List<String> agent(int heapMb) {
        return java("agent", AGENT, heapMb);
    }

    private List<String> java(String module, String main, int heapMb) {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JVM);
        command.addAll(startUpCache(module));
        command.add("-Xmx" + heapMb + "m");
        command.addAll(ofUser(module));
        command.add("-cp");
        command.add(classPath(module));
        command.add(main);
        return command;
    }

    /** What the launchers take too, and as they do, last: {@code RAFTFLEET_ENGINE_JAVA_OPTS}, {@code RAFTFLEET_AGENT_JAVA_OPTS}. */
    private static List<String> ofUser(String module) {
        var words = System.getenv().getOrDefault("RAFTFLEET_" + module.toUpperCase(Locale.ROOT) + "_JAVA_OPTS", "");
        return words.isBlank() ? List.of() : List.of(words.strip().split("\\s+"));
    }

    /** Options for the start-up cache, if the launchers made one. A Java machine that finds it does not fit starts without. */
    private List<String> startUpCache(String module) {
        var cache = root.resolve(module).resolve("target").resolve(module + ".aot");
        return Files.exists(cache) ? List.of("-XX:AOTCache=" + cache, "-Xlog:aot*=off", "-Xlog:cds*=off") : List.of();
    }

    private String classPath(String module) {
        Path target = root.resolve(module).resolve("target");
        var parts = new ArrayList<String>();
        if (Files.isDirectory(target.resolve("lib"))) {
            parts.addAll(jars(target, "raftfleet-" + module + "-*.jar"));
            if (parts.isEmpty() && Files.isDirectory(target.resolve("classes"))) {
                parts.add(target.resolve("classes").toString());
            }
        }
        if (parts.isEmpty()) {
            throw new IllegalStateException(module + " is not built: run mvn package in " + root + " first, " + target
                    + " lacks lib and a jar");
        }
        parts.addAll(jars(target.resolve("lib"), "*.jar"));
        return String.join(File.pathSeparator, parts);
    }

    private static List<String> jars(Path dir, String glob) {
        try (var files = Files.newDirectoryStream(dir, glob)) {
            var jars = new ArrayList<String>();
            files.forEach(file -> jars.add(file.toString()));
            jars.sort(null);
            return jars;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
