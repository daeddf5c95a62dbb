package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.raftfleet.proto.model.Unit;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher and the packaged client as processes. */
@Timeout(120)
class LauncherIT {
    private static final Path BIN = Path.of("..", "bin").toAbsolutePath().normalize();
    private static final int RUNS = 10;
    private static final int UNITS = 3_000;

    private final InMemoryCluster cluster = new InMemoryCluster();

    @TempDir
    private Path directory;

    @BeforeEach
    void start() {
        cluster.startEngine();
        cluster.addMachine("113f16a7c8d94f1a8a1e6c4f4b6a9d01", "10.0.0.1", Map.of());
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    private record Result(int exit, String out, String err) {}

    private Result run(Map<String, String> environment, List<String> command) throws IOException, InterruptedException {
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        var builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("FLEETCTL_ENDPOINT", cluster.endpoints());
        builder.environment().put("FLEETCTL_REQUEST_TIMEOUT", "30");
        builder.environment().putAll(environment);
        Process process = builder.start();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(command + " did not end");
        }
        return new Result(
                process.exitValue(),
                Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    /** As in cron, in minimal images and after ssh from elsewhere. The shell makes the names: this process may have ASCII alone, too. */
    @ParameterizedTest
    @ValueSource(
            strings = {"A=", "LANG=C", "LC_ALL=C", "LC_ALL=POSIX LC_CTYPE=C.UTF-8", "LC_ALL=C.UTF-8", "LANG=xx_XX.UTF-8"
            })
    void namesMayHaveAnyLettersWhateverTheLocale(String locale) throws Exception {
        Assumptions.assumeTrue(
                !locale.contains("xx_XX") || onlyCIsInstalled(),
                "a locale that is not installed can't be told from others here");
        Path script = directory.resolve("script");
        Files.writeString(script, """
                folder=$(printf 'pr\\303\\274fung')
                mkdir -p "$folder"
                printf '[Service]\\nExecStart=/bin/true\\n' >"$folder/web.service"
                exec env -i %s PATH="$PATH" HOME="$PWD/$folder" JAVA_HOME="${JAVA_HOME-}" \
                    "$0" --endpoint "$FLEETCTL_ENDPOINT" --request-timeout 30 submit "$folder/web.service"
                """.formatted(locale));
        assertThat(run(
                        Map.of("JAVA_HOME", System.getProperty("java.home")),
                        List.of(
                                "sh",
                                "-c",
                                Files.readString(script),
                                BIN.resolve("fleetctl").toString())))
                .isEqualTo(new Result(0, "Unit web.service inactive\n", ""));
    }

    private static boolean onlyCIsInstalled() throws IOException {
        Path locales = Path.of("/usr/lib/locale");
        if (!Files.isDirectory(locales)) {
            return false;
        }
        try (var installed = Files.list(locales)) {
            return installed.allMatch(
                    locale -> String.valueOf(locale.getFileName()).matches("C|C[.].*|POSIX"));
        }
    }

    @Test
    void runsFromAnyFolderAndThroughLinks() throws Exception {
        Path link = directory.resolve("ctl");
        Files.createSymbolicLink(link, BIN.resolve("fleetctl"));
        Files.writeString(directory.resolve("a.service"), "[Service]\nExecStart=/bin/true\n");
        assertThat(run(Map.of(), List.of(link.toString(), "start", "a.service")))
                .isEqualTo(new Result(
                        0, "Unit a.service inactive\nUnit a.service launched on 113f16a7.../10.0.0.1\n", ""));
        assertThat(run(Map.of(), List.of(link.toString(), "nonsense")).exit()).isEqualTo(2);
        // What shells complete from comes without a Java machine, a moment after it was asked for first.
        var cached = Map.of("XDG_CACHE_HOME", directory.resolve("cache").toString());
        var names = List.of(link.toString(), "__names", "fleetctl stop ", "a.");
        assertThat(run(cached, names)).isEqualTo(new Result(0, "", ""));
        Awaitility.await().until(() -> run(cached, names), new Result(0, "a.service\n", "")::equals);
    }

    @Test
    void saysPlainlyWhenThereIsNoJdk() throws Exception {
        String script = ". " + BIN + "/lib/jdk.sh; RAFTFLEET_JDK_LEAST=999; find_java";
        Result result = run(Map.of("JAVA_HOME", "/nowhere"), List.of("sh", "-c", script));
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).contains("needs a JDK 999 or later", "JAVA_HOME=/nowhere");
    }

    @Test
    void interruptEndsAFollowedJournal() throws Exception {
        cluster.engines.getFirst().journal.add("hello from the unit");
        cluster.engines.getFirst().journalStaysOpen = true;
        Files.writeString(directory.resolve("a.service"), "[Service]\nExecStart=/bin/true\n");
        String fleetctl = BIN.resolve("fleetctl").toString();
        run(Map.of(), List.of(fleetctl, "start", "a.service"));
        // A suite in the background of a shell has SIGINT ignored, and children inherit that; so does fleetctl, on
        // purpose.
        var builder = new ProcessBuilder("env", "--default-signal=INT", fleetctl, "journal", "-f", "a.service");
        builder.environment().put("FLEETCTL_ENDPOINT", cluster.endpoints());
        builder.environment().put("FLEETCTL_REQUEST_TIMEOUT", "30");
        Process process = builder.start();
        try (var reader = process.inputReader(StandardCharsets.UTF_8);
                var errors = process.errorReader(StandardCharsets.UTF_8)) {
            assertThat(reader.readLine()).isEqualTo("hello from the unit");
            assertThat(new ProcessBuilder("kill", "-INT", Long.toString(process.pid()))
                            .start()
                            .waitFor())
                    .isZero();
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(130);
            assertThat(errors.readLine()).isNull();
        } finally {
            process.destroyForcibly();
        }
    }

    /** What the jar leaves out of libraries nobody misses: certificates, TLS, JSON and traces work from it. */
    @Test
    void theJarHasAllThatCommandsUse() throws Exception {
        String fleetctl = BIN.resolve("fleetctl").toString();
        Path certificates = directory.resolve("certificates");
        var made = run(
                Map.of(), List.of(fleetctl, "cert", "create-ca", "--cluster-id", "training", certificates.toString()));
        assertThat(made.err()).isEmpty();
        assertThat(made.exit()).isZero();
        var issued = run(
                Map.of(),
                List.of(
                        fleetctl,
                        "cert",
                        "issue",
                        "--ca",
                        certificates.toString(),
                        "--out",
                        directory.toString(),
                        "--role",
                        "operator",
                        "user",
                        "ada"));
        assertThat(issued.err()).isEmpty();
        assertThat(issued.exit()).isZero();

        Process server = new ProcessBuilder(
                        System.getProperty("java.home") + "/bin/java",
                        "-cp",
                        System.getProperty("java.class.path"),
                        TrainingServer.class.getName(),
                        directory.resolve("server").toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (var ports = server.inputReader(StandardCharsets.UTF_8)) {
            ports.readLine();
            String secured = ports.readLine();
            var environment =
                    new HashMap<>(Training.secured(secured, Training.files(directory.resolve("server"), "user")));
            var traces = new AtomicInteger();
            var collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            collector.createContext("/v1/traces", exchange -> {
                exchange.getRequestBody().readAllBytes();
                traces.incrementAndGet();
                exchange.sendResponseHeaders(200, -1);
                exchange.close();
            });
            collector.start();
            try {
                environment.put(
                        "FLEETCTL_TRACES_ENDPOINT",
                        "http://127.0.0.1:" + collector.getAddress().getPort());
                // A command does not wait long for a collector, and on busy cores may end before it has sent anything.
                Awaitility.await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
                    var listed = run(environment, List.of(fleetctl, "list-units", "--json"));
                    assertThat(listed.err()).isEmpty();
                    assertThat(listed.out()).contains("\"a.service\"");
                    assertThat(listed.exit()).isZero();
                    assertThat(traces).hasPositiveValue();
                });
            } finally {
                collector.stop(0);
            }
        } finally {
            server.destroy();
        }
    }

    /** Says how long a whole process takes beside a JVM that does nothing, in turn; asserts the output alone. */
    @Test
    void listsThreeThousandUnits() throws Exception {
        for (int i = 0; i < UNITS; i++) {
            String name = String.format("unit-%04d.service", i);
            cluster.add(
                    Unit.newBuilder().setName(name).build(),
                    InMemoryEngine.state(name, "113f16a7c8d94f1a8a1e6c4f4b6a9d01", "active", "running"));
        }
        String cache = ". " + BIN + "/lib/jdk.sh; . " + BIN + "/lib/aot.sh; fleetctl_cache "
                + BIN.resolveSibling("fleetctl") + " $(find_java)";
        assertThat(run(Map.of(), List.of("sh", "-c", cache)).exit()).isZero();
        Path nothing = directory.resolve("Nothing.java");
        Files.writeString(nothing, "class Nothing { public static void main(String[] a) {} }");
        String jdk = System.getProperty("java.home") + "/bin/";
        assertThat(run(Map.of(), List.of(jdk + "javac", "-d", directory.toString(), nothing.toString()))
                        .exit())
                .isZero();
        List<String> bare = List.of(
                jdk + "java",
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-XX:+UseSerialGC",
                "-cp",
                directory.toString(),
                "Nothing");
        List<String> list = List.of(BIN.resolve("fleetctl").toString(), "list-units");
        var bareMillis = new ArrayList<Long>();
        var listMillis = new ArrayList<Long>();
        for (int i = 0; i < RUNS; i++) {
            bareMillis.add(millis(bare, 0));
            listMillis.add(millis(list, UNITS + 1));
        }
        System.out.printf(
                "fleetctl list-units, %d units: median of %d processes %d ms, a bare JVM %d ms; cache: %s%n",
                UNITS, RUNS, median(listMillis), median(bareMillis), Files.exists(Path.of("target", "fleetctl.aot")));
    }

    private long millis(List<String> command, int lines) throws IOException, InterruptedException {
        long start = System.nanoTime();
        Result result = run(Map.of(), command);
        long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        assertThat(result.err()).isEmpty();
        assertThat(result.exit()).isZero();
        assertThat(result.out().lines()).hasSize(lines);
        return took;
    }

    private static long median(List<Long> values) {
        long[] sorted = values.stream().mapToLong(Long::longValue).sorted().toArray();
        assertThat(sorted).as(Arrays.toString(sorted)).hasSize(RUNS);
        return (sorted[RUNS / 2 - 1] + sorted[RUNS / 2]) / 2;
    }
}
