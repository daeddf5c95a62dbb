package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code bin/lib/names.sh} with a launcher that notes what it is asked. */
@Timeout(60)
class NamesTest {
    private static final Path SCRIPT =
            Path.of("..", "bin", "lib", "names.sh").toAbsolutePath().normalize();

    @TempDir
    private Path directory;

    @BeforeEach
    void launcher() throws IOException {
        Path launcher = directory.resolve("launcher");
        Files.writeString(launcher, """
                #!/bin/sh
                echo "$@" >>asked
                case "$*" in
                    *denied*) exit 1 ;;
                    *units) printf '%s\\n' web.service web@1.service 'odd\\x2d.service' db.service ;;
                    *machines) echo 113f16a7 ;;
                    *rollouts) echo 0123abcd ;;
                esac
                """);
        assertThat(launcher.toFile().setExecutable(true)).isTrue();
    }

    private List<String> sh(Map<String, String> environment, String... script)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("sh", "-c", ". " + SCRIPT + "; \"$@\"", "sh"));
        command.addAll(List.of(script));
        var builder = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("FLEETCTL_"));
        builder.environment().put("XDG_CACHE_HOME", directory.resolve("cache").toString());
        builder.environment().put("XDG_CONFIG_HOME", directory.resolve("config").toString());
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return said.lines().toList();
    }

    private List<String> names(Map<String, String> environment, String line, String word)
            throws IOException, InterruptedException {
        return sh(environment, "complete_names", directory.resolve("launcher").toString(), line, word);
    }

    private List<String> awaitNames(String line, String word) {
        return Awaitility.await().until(() -> names(Map.of(), line, word), found -> !found.isEmpty());
    }

    private List<String> asked() throws IOException {
        return Files.readAllLines(directory.resolve("asked"));
    }

    @Test
    void namesAreFetchedOnceAndForTheNextTime() throws Exception {
        assertThat(names(Map.of(), "fleetctl stop ", "web")).isEmpty();
        assertThat(awaitNames("fleetctl stop ", "web")).containsExactly("web.service", "web@1.service");
        assertThat(names(Map.of(), "fleetctl status ", "odd\\x")).containsExactly("odd\\x2d.service");
        assertThat(asked()).containsExactly("names units");
        try (Stream<Path> files = Files.list(directory.resolve("cache/raftfleet/names"))) {
            assertThat(files.map(NamesTest::mode)).containsOnly("rw-------");
        }
    }

    private static String mode(Path file) {
        try {
            return java.nio.file.attribute.PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void eachClusterHasItsOwn() throws Exception {
        awaitNames("fleetctl --context=big --debug drain", "11");
        awaitNames("fleetctl drain --endpoint 10.0.0.1:1 --ca-file x", "11");
        assertThat(asked())
                .containsExactly("--context=big names machines", "--endpoint 10.0.0.1:1 --ca-file x names machines");
        assertThat(names(Map.of("FLEETCTL_TUNNEL", "host"), "fleetctl drain", ""))
                .isEmpty();
        assertThat(names(Map.of(), "fleetctl --tunnel host drain", "")).isEmpty();
        assertThat(asked()).hasSize(2);
    }

    @Test
    void whoMayNotListGetsNothingAndIsNotAskedForAtEachKey() throws Exception {
        for (int i = 0; i < 5; i++) {
            assertThat(names(Map.of(), "fleetctl --context denied stop", "")).isEmpty();
        }
        Awaitility.await().until(() -> Files.exists(directory.resolve("asked")));
        assertThat(names(Map.of(), "fleetctl --context denied stop", "")).isEmpty();
        assertThat(asked()).containsExactly("--context denied names units");
    }

    @Test
    void contextsAreFiles() throws Exception {
        Path contexts = Files.createDirectories(directory.resolve("config/raftfleet/contexts"));
        for (String name : List.of("big.conf", "small.conf", "no$(x).conf", "other.txt")) {
            Files.writeString(contexts.resolve(name), "");
        }
        assertThat(names(Map.of(), "fleetctl --context", "")).containsExactly("big", "small");
        assertThat(names(Map.of(), "fleetctl", "--context=s")).containsExactly("--context=small");
    }

    @ParameterizedTest
    @CsvSource({
        "fleetctl, ''",
        "fleetctl start, units",
        "fleetctl --endpoint x stop a, units",
        "fleetctl --request-timeout 3 --no-pager journal -f, units",
        "fleetctl --context=x --debug drain, machines",
        "fleetctl machine, ''",
        "fleetctl machine set a=b, machines",
        "fleetctl --context, contexts",
        "fleetctl journal --machine, machines",
        "fleetctl cluster status, ''",
        "fleetctl ui, ''",
        "fleetctl rollout, ''",
        "fleetctl rollout undo, rollouts",
        "fleetctl --context x rollout status --wait, rollouts",
        "fleetctl ssh, units machines",
        "fleetctl list-machines, ''",
        "fleetctl list-units, units",
        "fleetctl start * /etc/*, units"
    })
    void whatFitsDependsOnTheCommand(String line, String kinds) throws Exception {
        assertThat(String.join(" ", sh(Map.of(), "_names_kinds", line))).isEqualTo(kinds);
    }
}
