package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.raftfleet.unit.UnitFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Units of systemd's other types do on a real systemd what they are for, and leave nothing when they are taken away. */
@Timeout(120)
class UnitTypesIT extends OnSystemd {
    private static final String WORKER = "[Service]\nExecStart=/bin/sleep infinity\n";

    UnitTypesIT() {
        super(true);
    }

    @Test
    void aSocketStartsItsServiceWhenSomebodyConnects() throws Exception {
        var path = Path.of(machine.get("XDG_RUNTIME_DIR"), "typed");
        install(Map.of("typed.socket", "[Socket]\nListenStream=" + path + "\n", "typed.service", WORKER));
        startAs("typed.socket", "listening");
        assertThat(heard.latest("typed.service").activeState()).isEqualTo("inactive");
        try (var client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            client.connect(UnixDomainSocketAddress.of(path));
            awaitActive("typed.service");
        }
        stopAndRemove("typed.socket", "typed.service");
    }

    @Test
    void aTimerStartsItsServiceWhenItsTimeHasCome() throws Exception {
        install(Map.of("typed.timer", "[Timer]\nOnActiveSec=1s\nAccuracySec=1ms\n", "typed.service", WORKER));
        startAs("typed.timer", "waiting");
        awaitActive("typed.service");
        stopAndRemove("typed.timer", "typed.service");
    }

    @Test
    void aPathStartsItsServiceWhenTheFileIsThere() throws Exception {
        var file = directory.resolve("appears");
        install(Map.of("typed.path", "[Path]\nPathExists=" + file + "\n", "typed.service", WORKER));
        startAs("typed.path", "waiting");
        Files.createFile(file);
        awaitActive("typed.service");
        stopAndRemove("typed.path", "typed.service");
    }

    @Test
    void aTargetPullsItsUnitsIn() throws Exception {
        install(Map.of(
                "typed.target",
                "[Unit]\nWants=one.service two.service\n",
                "one.service",
                WORKER,
                "two.service",
                WORKER));
        startAs("typed.target", "active");
        awaitActive("one.service");
        awaitActive("two.service");
        stopAndRemove("typed.target", "one.service", "two.service");
    }

    @Test
    void aServiceRunsInItsSlice() throws Exception {
        install(Map.of("typed.slice", "[Slice]\nTasksMax=50\n", "in.service", WORKER + "Slice=typed.slice\n"));
        startAs("typed.slice", "active");
        done(manager.start("in.service"));
        awaitActive("in.service");
        assertThat(machine.show("in.service", "ControlGroup")).endsWith("/typed.slice/in.service");
        stopAndRemove("in.service", "typed.slice");
    }

    @Test
    void aMountIsMountedAndAway() throws Exception {
        var where = Path.of("/run/raftfleet-typed-mount");
        install(Map.of(
                "run-raftfleet\\x2dtyped\\x2dmount.mount", "[Mount]\nWhat=tmpfs\nType=tmpfs\nWhere=" + where + "\n"));
        startAs("run-raftfleet\\x2dtyped\\x2dmount.mount", "mounted");
        assertThat(machine.exec("findmnt", "--noheadings", "--output", "FSTYPE", where.toString())
                        .strip())
                .isEqualTo("tmpfs");
        stopAndRemove("run-raftfleet\\x2dtyped\\x2dmount.mount");
        assertThat(machine.exec("findmnt", where.toString())).isEmpty();
    }

    @Test
    void whatTheMachineHasMountedByItselfIsNotTakenOver() throws Exception {
        var where = "/run/raftfleet-typed-own";
        var name = "run-raftfleet\\x2dtyped\\x2down.mount";
        machine.exec("mkdir", "-p", where);
        machine.exec("mount", "-t", "tmpfs", "tmpfs", where);
        await().until(() -> machine.show(name, "ActiveState").equals("active"));
        install(Map.of("hello.service", WORKER));
        done(manager.start("hello.service"));
        awaitActive("hello.service");
        var file = UnitFile.parse(
                "[Mount]\nWhat=tmpfs\nType=tmpfs\nWhere=" + where + "\n[Install]\nWantedBy=hello.service\n");
        for (int attempt = 1; attempt <= 2; attempt++) {
            assertThatThrownBy(() -> done(manager.install(Map.of(name, file))))
                    .hasMessageContaining("this machine has mounted that by itself");
            assertThat(manager.installed()).containsOnlyKeys("hello.service");
        }
        assertThat(machine.exec("findmnt", "--noheadings", "--output", "FSTYPE", where)
                        .strip())
                .isEqualTo("tmpfs");
        assertThat(machine.reloads())
                .as("what was taken away again had systemd read its files")
                .isZero();
        assertThat(machine.unitsDirectory())
                .as("nor is it to do so later")
                .isDirectoryNotContaining(left -> !left.endsWith("hello.service"));

        // One that fleet had mounted, and whose file was lost, is taken over.
        done(manager.install(Map.of(name, file), Set.of(), Set.of(name)));
        heard.awaitState(name, state -> state.subState().equals("mounted"));
        assertThat(machine.reloads()).isOne();
        assertThat(machine.show("hello.service", "Wants")).contains("run-raftfleet");
        stopAndRemove(name);
        assertThat(machine.exec("findmnt", where)).isEmpty();
    }

    @Test
    void aSliceIsTakenOverUnlessUnitsOfTheMachineAreInIt() throws Exception {
        runAsHost("own.service", "typed-own.slice", "/bin/sleep", "infinity");
        await().until(() -> machine.show("own.service", "ActiveState").equals("active"));
        for (String name : List.of("typed-own.slice", "typed.slice")) {
            assertThatThrownBy(() -> done(manager.install(Map.of(name, UnitFile.parse("[Slice]\nTasksMax=50\n")))))
                    .hasMessageContaining("this machine has a unit of its own in that slice, own.service");
        }
        assertThat(machine.reloads()).isZero();
        install(Map.of("in.service", WORKER + "Slice=other.slice\n"));
        done(manager.start("in.service"));
        awaitActive("in.service");
        install(Map.of("other.slice", "[Slice]\nTasksMax=50\n"));
        heard.awaitState("other.slice", state -> state.activeState().equals("active"));
        assertThat(machine.show("other.slice", "TasksMax")).isEqualTo("50");
        assertThat(machine.reloads()).isOne();
        assertThat(machine.show("own.service", "ActiveState")).isEqualTo("active");
        stopAndRemove("in.service", "other.slice");
    }

    /** One has failed, the other was never started and is in memory because a unit that runs names it. */
    @Test
    void unitsOfTheMachineThatAreNotUpLeaveTheirSliceToOthers() throws Exception {
        Files.writeString(machine.searchDirectory().resolve("idle.service"), WORKER + "Slice=typed.slice\n");
        runAsHost("failed.service", "typed.slice", "/bin/false");
        runAsHost("keeper.service", "app.slice", "--property=After=idle.service", "/bin/sleep", "infinity");
        await().until(() -> machine.show("failed.service", "ActiveState").equals("failed"));
        await().until(() -> machine.show("keeper.service", "ActiveState").equals("active"));
        assertThat(machine.show("typed.slice", "ActiveState")).isEqualTo("active");
        assertThat(machine.show("typed.slice", "SliceOf")).contains("failed.service", "idle.service");
        install(Map.of("typed.slice", "[Slice]\nTasksMax=50\n"));
        heard.awaitState("typed.slice", state -> state.activeState().equals("active"));
        stopAndRemove("typed.slice");
    }

    private void runAsHost(String unit, String slice, String... command) throws Exception {
        var whole = new ArrayList<>(List.of("systemd-run", "--user", "--unit=" + unit, "--slice=" + slice));
        whole.addAll(List.of(command));
        machine.exec(whole.toArray(String[]::new));
    }

    /** Also when systemd knew the other unit before, and runs it. */
    @Test
    void aUnitThatIsInstalledIntoAnotherComesAndGoesWithIt() throws Exception {
        install(Map.of("hello.service", WORKER));
        done(manager.start("hello.service"));
        awaitActive("hello.service");
        install(Map.of(
                "announce.service",
                "[Unit]\nBindsTo=hello.service\n" + WORKER + "[Install]\nWantedBy=hello.service\n"));
        assertThat(machine.show("hello.service", "Wants")).contains("announce.service");
        done(manager.stop("hello.service"));
        done(manager.start("hello.service"));
        awaitActive("announce.service");
        done(manager.stop("hello.service"));
        heard.awaitState("announce.service", state -> state.activeState().equals("inactive"));
        stopAndRemove("announce.service", "hello.service");
    }

    private void install(Map<String, String> files) throws Exception {
        var parsed = new LinkedHashMap<String, UnitFile>();
        for (var file : files.entrySet()) {
            parsed.put(file.getKey(), UnitFile.parse(file.getValue()));
        }
        done(manager.install(parsed));
        for (String name : files.keySet()) {
            heard.awaitState(name, state -> state.loadState().equals("loaded"));
        }
    }

    private void startAs(String name, String subState) throws Exception {
        done(manager.start(name));
        heard.awaitState(name, state -> state.subState().equals(subState));
    }

    private void awaitActive(String name) {
        heard.awaitState(name, state -> state.activeState().equals("active"));
    }

    private void stopAndRemove(String... names) throws Exception {
        for (String name : names) {
            done(manager.stop(name));
        }
        done(manager.uninstall(List.of(names)));
        assertThat(machine.unitsDirectory())
                .isDirectoryNotContaining(file -> Set.of(names).contains(String.valueOf(file.getFileName())));
    }
}
