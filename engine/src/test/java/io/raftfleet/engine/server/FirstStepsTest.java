package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose the keys are that root writes for an engine that runs as somebody else. */
class FirstStepsTest {
    private static final int ENGINE = 12345;

    @TempDir
    private Path dir = Path.of("");

    private Path data = dir;
    private final InitCommand init = new InitCommand();

    @BeforeEach
    void aDataDirectoryAsPackagesMakeIt() throws IOException {
        assumeThat(System.getProperty("user.name")).isEqualTo("root");
        data = Files.createDirectory(dir.resolve("data"));
        Files.setAttribute(data, "unix:uid", ENGINE);
        Files.setAttribute(data, "unix:gid", ENGINE);
        init.steps.host = "127.0.0.1";
        init.steps.data = data;
        init.steps.config = dir.resolve("engine.conf");
        init.steps.noStart = true;
    }

    @Test
    void certificatesInTheDataDirectory() throws IOException {
        init.run(Map.of());

        belongToTheEngine(data.resolve("certificates"));
    }

    @Test
    @DisplayName("a directory elsewhere, new or empty, is the engine's, with all in it")
    void elsewhere() throws IOException {
        init.steps.directory = dir.resolve("etc/keys");
        init.run(Map.of());

        belongToTheEngine(dir.resolve("etc/keys"));
        assertThat(Files.getAttribute(dir.resolve("etc"), "unix:uid")).isEqualTo(0);
    }

    @Test
    @DisplayName("one that is the engine's already may have others' files, which stay whose they are")
    void theEnginesOwn() throws IOException {
        Path target = Files.createDirectory(dir.resolve("keys"));
        Files.setAttribute(target, "unix:uid", ENGINE);
        Path other = Files.createFile(target.resolve("other"));
        init.steps.directory = target;
        init.run(Map.of());

        assertThat(Files.getAttribute(target.resolve("engine-e1-key.pem"), "unix:uid"))
                .isEqualTo(ENGINE);
        assertThat(Files.getAttribute(other, "unix:uid")).isEqualTo(0);
    }

    @Test
    @DisplayName("one of somebody else's with other files is refused before anything is written")
    void somebodyElses() throws IOException {
        Path target = Files.createDirectory(dir.resolve("keys"));
        Files.createFile(target.resolve("other"));
        init.steps.directory = target;

        assertThatThrownBy(() -> init.run(Map.of()))
                .hasMessageContaining(target + " has other files, and belongs to root")
                .hasMessageContaining("leave out --dir");
        assertThat(init.steps.config).doesNotExist();
        assertThat(data).isEmptyDirectory();
        assertThat(target.toFile().list()).containsExactly("other");
    }

    private static void belongToTheEngine(Path directory) throws IOException {
        for (Path file : List.of(
                directory,
                directory.resolve("ca.pem"),
                directory.resolve("ca-key.pem"),
                directory.resolve("engine-e1.pem"),
                directory.resolve("engine-e1-key.pem"))) {
            assertThat(Files.getAttribute(file, "unix:uid")).as("%s", file).isEqualTo(ENGINE);
            assertThat(Files.getAttribute(file, "unix:gid")).as("%s", file).isEqualTo(ENGINE);
        }
    }
}
