package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code verify}, which needs no cluster; with the real systemd-analyze where there is one. */
class VerifyTest {
    private static final String GOOD = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/sleep 1\n";

    @TempDir
    private Path directory;

    private void file(String name, String text) throws IOException {
        Path path = directory.resolve(name);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private Result run(String... arguments) {
        var all = new ArrayList<>(List.of("verify"));
        all.addAll(List.of(arguments));
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int exit = Fleetctl.run(
                new Terminal(
                        InputStream.nullInputStream(),
                        new PrintStream(out, false, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        Map.of(),
                        directory,
                        false),
                all.toArray(String[]::new));
        return new Result(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void faultsAreNamedByFileAndLine() throws Exception {
        file("good.service", GOOD);
        file("d/line.service", GOOD + "what is this\n");
        file("d/option.service", GOOD + "\n[X-Fleet]\n# why\nMachineMetadata=host=a role=b\n");
        file("d/both.service", GOOD + "[X-Fleet]\nGlobal=true\nMachineOf=a.service\n");
        file(
                "d/second.service",
                GOOD + "[X-Fleet]\nMachineMetadata=a=b\nMachineMetadata=a=b c=d\nMachineMetadata=e=f\n");
        file("empty.service", "");
        Files.write(
                directory.resolve("latin.service"),
                "[Unit]\nDescription=\u00e9\n".getBytes(StandardCharsets.ISO_8859_1));
        Result result = run(
                "--no-systemd",
                "good.service",
                "d/line.service",
                "d/option.service",
                "d/both.service",
                "d/second.service",
                "empty.service",
                "latin.service",
                "none.service",
                "x.unknown");
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.out()).isEqualTo("good.service: ok\n");
        List<String> lines = result.err().lines().toList();
        assertThat(lines).hasSize(8);
        assertThat(lines.get(0)).startsWith("d/line.service:5: error: ");
        assertThat(lines.get(1)).startsWith("d/option.service:8: error: [X-Fleet] MachineMetadata: ");
        assertThat(lines.get(2)).startsWith("d/both.service:6: error: [X-Fleet] Global: it can't be combined with ");
        assertThat(lines.get(3)).startsWith("d/second.service:7: error: [X-Fleet] MachineMetadata: ");
        assertThat(lines.get(4)).startsWith("empty.service: error: contents: the file has no options");
        assertThat(lines.get(5)).startsWith("latin.service:2: error: not in UTF-8");
        assertThat(lines.get(6)).isEqualTo("none.service: error: none.service does not exist");
        assertThat(lines.get(7)).startsWith("x.unknown: error: name: unknown unit type");
    }

    @Test
    void anInstanceIsCheckedWithItsTemplateAndDropInsAreNamed() throws Exception {
        file("t@.service", GOOD + "[X-Fleet]\nConflicts=t@*.service\n");
        file("a.service", GOOD);
        file("a.service.d/more.conf", "[Service]\nNice=5\n");
        assertThat(run("--no-systemd", "t@.service", "t@1.service"))
                .isEqualTo(new Result(0, "t@.service: ok\nt@1.service: ok\n", ""));
        Result withDropIn = run("--no-systemd", "a.service");
        assertThat(withDropIn.exit()).isZero();
        assertThat(withDropIn.err()).startsWith("a.service: warning: what is in a.service.d is not submitted");
        assertThat(run("--no-systemd", "a.service.d/more.conf").err())
                .startsWith("a.service.d/more.conf: error: this is no unit file");
    }

    @Test
    void whatIsFoundIsThereAsJsonToo() throws Exception {
        file("bad.service", GOOD + "[X-Fleet]\nNonsense=1\n");
        Result result = run("--no-systemd", "--json", "bad.service");
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.out())
                .startsWith(
                        "[\n{\"file\":\"bad.service\",\"line\":6,\"level\":\"error\",\"by\":\"fleet\",\"message\":\"");
        assertThat(result.err()).isEmpty();
        file("good.service", GOOD);
        assertThat(run("--no-systemd", "--json", "good.service")).isEqualTo(new Result(0, "[\n]\n", ""));
        assertThat(run().exit()).isEqualTo(2);
    }

    @Test
    void systemdHasItsSay() throws Exception {
        assumeTrue(
                Stream.of("/usr/bin", "/bin").anyMatch(bin -> Files.isExecutable(Path.of(bin, "systemd-analyze"))),
                "systemd-analyze is not installed");
        file("a.service", "[Unit]\nRequires=b.service\nAfter=b.service\n" + GOOD + "[X-Fleet]\nMachineOf=b.service\n");
        file("b.service", GOOD);
        Result together = run("a.service", "b.service");
        assumeTrue(!together.err().contains("not checked by systemd"), together.err());
        assertThat(together).isEqualTo(new Result(0, "a.service: ok\nb.service: ok\n", ""));

        Result alone = run("a.service");
        assertThat(alone.exit()).isZero();
        assertThat(alone.err()).startsWith("a.service: warning: systemd: ").contains("b.service not found");

        file("bad.service", "[Service]\nFoo=1\nExecStart=relative/path\n");
        Result bad = run("bad.service", "b.service");
        assertThat(bad.exit()).isEqualTo(1);
        assertThat(bad.out()).isEqualTo("b.service: ok\n");
        assertThat(bad.err())
                .contains("bad.service:2: warning: systemd: Unknown key")
                .contains("bad.service:3: error: systemd: ", "relative/path");

        file("far.service", "[Service]\nExecStart=/opt/nowhere/program\n");
        Result far = run("far.service");
        assertThat(far.exit()).isZero();
        assertThat(far.err()).contains("far.service: warning: systemd: Command /opt/nowhere/program is not executable");

        file("t@.service", "[Service]\nExecStart=/bin/sleep %i\n");
        assertThat(run("t@.service", "t@7.service").exit()).isZero();
        file("user.service", GOOD);
        assertThat(run("--user", "user.service").exit()).isZero();
        file("d/b.service", GOOD);
        assertThat(run("b.service", "d/b.service").err())
                .contains("d/b.service: error: another file given is of the same unit");
    }
}
