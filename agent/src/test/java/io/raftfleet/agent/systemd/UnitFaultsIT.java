package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.UnitFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is said of units that a real systemd does not load, does not start, or does not keep up. */
@Timeout(180)
class UnitFaultsIT extends OnSystemd {
    private static final String SLEEPER = "[Service]\nExecStart=/bin/sleep infinity\n";

    UnitFaultsIT() {
        super(true);
    }

    @Test
    void aBadSettingIsToldWithItsLineAndIsOverOnceTheFileIsGood() throws Exception {
        install("bad.service", "[Service]\nExecStart=relative/path\n");
        ObservedState bad = heard.awaitState("bad.service", s -> !s.error().isEmpty());
        assertThat(bad.loadState()).isEqualTo("bad-setting");
        assertThat(bad.error()).startsWith("bad unit file setting: ").contains("bad.service:2", "relative/path");
        assertThatThrownBy(() -> done(manager.start("bad.service")))
                .cause()
                .isInstanceOf(UnitManagerException.class)
                .hasMessageStartingWith("bad unit file setting: ")
                .hasMessageContaining("bad.service:2");

        UnitFile good = install("bad.service", SLEEPER);
        assertThat(heard.awaitState("bad.service", s -> s.hash().equals(good.hash())))
                .returns("loaded", ObservedState::loadState)
                .returns("", ObservedState::error);
        done(manager.start("bad.service"));
        assertThat(heard.awaitState("bad.service", s -> s.activeState().equals("active")))
                .returns("loaded", ObservedState::loadState)
                .returns("", ObservedState::error);
    }

    @Test
    void aCuredFileStartsAtOnceWhateverSystemdHadLoaded() throws Exception {
        install("bad.service", "[Service]\nExecStart=relative/path\n");
        heard.awaitState("bad.service", s -> s.loadState().equals("bad-setting"));
        machine.exec("systemctl", "--user", "add-wants", "default.target", "bad.service"); // Keeps it loaded.
        install("bad.service", SLEEPER);
        done(manager.start("bad.service"));
        assertThat(heard.awaitState("bad.service", s -> s.activeState().equals("active")))
                .returns("loaded", ObservedState::loadState);
    }

    @Test
    void aFailureIsToldInWordsAndIsOverWithTheNextStart() throws Exception {
        install("exits.service", "[Service]\nExecStart=/bin/sh -c 'exit 3'\n");
        install("missing.service", "[Service]\nExecStart=/no/such/program\n");
        install("killed.service", "[Service]\nExecStart=/bin/sh -c 'kill -KILL $$$$'\n");
        install("slow.service", "[Service]\nType=oneshot\nTimeoutStartSec=1\nExecStart=/bin/sleep 60\n");
        install("before.service", "[Service]\nExecStartPre=/bin/false\nExecStart=/bin/true\n");
        install("again.service", "[Service]\nRestart=always\nRestartSec=60\nExecStart=/bin/false\n");
        assertThat(failed("exits.service")).isEqualTo("its main process exited with status 3");
        assertThat(failed("missing.service")).startsWith("its main process exited with status 203/EXEC: its program");
        assertThat(failed("killed.service")).isEqualTo("its main process was killed by signal 9/KILL");
        assertThat(failed("slow.service")).contains("TimeoutStartSec=");
        assertThat(failed("before.service")).contains("ExecStartPre=");
        done(manager.start("again.service"));
        assertThat(heard.awaitState("again.service", s -> s.subState().startsWith("auto-restart"))
                        .error())
                .isEqualTo("its main process exited with status 1");

        // Known also to whom no signal told.
        manager.close();
        manager = new SystemdUnitManager(machine.config(true), machine.warnings());
        assertThat(done(manager.states()).get("exits.service"))
                .returns("failed", ObservedState::activeState)
                .returns("its main process exited with status 3", ObservedState::error);
        manager.subscribe(heard);

        install("exits.service", SLEEPER);
        done(manager.start("exits.service"));
        assertThat(heard.awaitState("exits.service", s -> s.activeState().equals("active")))
                .returns("", ObservedState::error);
    }

    @Test
    void restartsBySystemdAreCountedFromTheLastOrder() throws Exception {
        install(
                "flaps.service",
                "[Unit]\nStartLimitIntervalSec=60\nStartLimitBurst=4\n[Service]\nRestart=always\nRestartSec=10ms\nExecStart=/bin/false\n");
        done(manager.start("flaps.service"));
        // systemd may call a unit failed for a moment before it starts it again, too, but not when it is asked.
        await().atMost(Duration.ofSeconds(20))
                .until(() -> machine.show("flaps.service", "ActiveState").equals("failed"));
        int restarts = Integer.parseInt(machine.show("flaps.service", "NRestarts"));
        assertThat(restarts).isPositive();
        heard.awaitState("flaps.service", s -> s.activeState().equals("failed") && s.restarts() == restarts);
        install("flaps.service", SLEEPER);
        done(manager.start("flaps.service"));
        heard.awaitState("flaps.service", s -> s.activeState().equals("active") && s.restarts() == 0);
    }

    private String failed(String unit) throws Exception {
        done(manager.start(unit));
        String error =
                heard.awaitState(unit, s -> s.activeState().equals("failed")).error();
        awaitEnd(unit, 1);
        assertThat(heard.latest(unit).error()).isEqualTo(error);
        return error;
    }

    @Test
    void aStartThatComesToNothingIsToldWithItsReason() throws Exception {
        install("lonely.socket", "[Socket]\nListenStream=%t/lonely\n");
        install("base.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
        install("top.service", "[Unit]\nRequires=base.service\nAfter=base.service\n" + SLEEPER);
        install("picky.service", "[Unit]\nConditionPathExists=/no/such/file\n" + SLEEPER);
        install("strict.service", "[Unit]\nAssertPathExists=!/etc\n" + SLEEPER);
        install("judged.service", "[Service]\nExecCondition=/bin/false\nExecStart=/bin/sleep infinity\n");
        assertThat(nothing("lonely.socket")).contains("lonely.service");
        assertThat(nothing("top.service")).isEqualTo("a unit that it needs did not start: base.service (failed)");
        assertThat(nothing("picky.service"))
                .isEqualTo("it was skipped: ConditionPathExists=/no/such/file does not hold");
        assertThat(nothing("strict.service")).isEqualTo("it was not started: AssertPathExists=!/etc does not hold");
        assertThat(nothing("judged.service")).isEqualTo("it was skipped: its ExecCondition= does not hold");

        install("late.service", "[Unit]\nJobTimeoutSec=300ms\n[Service]\nType=notify\nExecStart=/bin/sleep infinity\n");
        done(manager.start("late.service"));
        assertThat(heard.awaitState("late.service", s -> !s.error().isEmpty()))
                .returns("activating", ObservedState::activeState)
                .returns(
                        "its start took longer than its JobTimeoutSec= or JobRunningTimeoutSec=", ObservedState::error);
        done(manager.stop("late.service"));

        install("needy.service", "[Unit]\nRequires=absent.service\n" + SLEEPER);
        assertThatThrownBy(() -> done(manager.start("needy.service")))
                .cause()
                .hasMessage("absent.service, which it needs, was not found on this machine");

        install("picky.service", SLEEPER);
        done(manager.start("picky.service"));
        assertThat(heard.awaitState("picky.service", s -> s.activeState().equals("active")))
                .returns("", ObservedState::error);
    }

    private String nothing(String unit) throws Exception {
        done(manager.start(unit));
        awaitEnd(unit, 1);
        ObservedState state = heard.latest(unit);
        assertThat(state.activeState()).as(unit).isIn("inactive", "failed");
        return state.error();
    }

    @Test
    void theEndOfAStartIsToldOnceForEach() throws Exception {
        install("once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n");
        install("web.service", SLEEPER);
        for (int start = 1; start <= 2; start++) {
            done(manager.start("once.service"));
            awaitEnd("once.service", start);
            assertThat(heard.latest("once.service"))
                    .returns("inactive", ObservedState::activeState)
                    .returns("", ObservedState::error);
            done(manager.start("web.service")); // The second time it runs already.
            awaitEnd("web.service", start);
            assertThat(heard.latest("web.service").activeState()).isEqualTo("active");
        }
    }

    @Test
    void aUnitOfTheHostIsNotTakenForOurs() throws Exception {
        done(manager.stop("absent.service")); // Waits for the connection: only systemd knows where it looks for files.
        Path own = Files.createDirectories(Path.of(searchPath().getFirst()));
        Path shadow = Files.writeString(own.resolve("host.service"), SLEEPER);
        Path mask = Files.createSymbolicLink(own.resolve("masked.service"), Path.of("/dev/null"));
        assertThatThrownBy(() -> install("host.service", "[Service]\nExecStart=/bin/true\n"))
                .cause()
                .hasMessageContaining(shadow + ", which systemd takes instead");
        assertThatThrownBy(() -> install("masked.service", SLEEPER))
                .cause()
                .hasMessageContaining("this machine masks it by " + mask);
        assertThat(manager.installed()).isEmpty();

        Path folder = Files.createDirectories(own.resolve("changed.service.d"));
        Path dropIn = Files.writeString(folder.resolve("x.conf"), "[Service]\nExecStart=\nExecStart=/bin/false\n");
        install("changed.service", SLEEPER);
        assertThat(failed("changed.service"))
                .isEqualTo("its main process exited with status 1; this machine changes the unit by " + dropIn);

        // One that comes later.
        install("web.service", SLEEPER);
        done(manager.start("web.service"));
        heard.awaitState("web.service", s -> s.activeState().equals("active"));
        Path late = Files.writeString(own.resolve("web.service"), SLEEPER);
        machine.exec("systemctl", "--user", "daemon-reload");
        assertThat(heard.awaitState("web.service", s -> !s.error().isEmpty()).error())
                .contains(late.toString());
        assertThatThrownBy(() -> done(manager.start("web.service"))).cause().hasMessageContaining(late.toString());
        Files.delete(late);
        machine.exec("systemctl", "--user", "daemon-reload");
        heard.awaitState("web.service", s -> s.error().isEmpty());
    }

    @Test
    void aUnitOfTheHostIsNotTakenForOursByWhatWasOrderedBeforeTheConnection() throws Exception {
        manager.close();
        Path own = Files.createDirectories(Path.of(searchPath().getFirst()));
        Path shadow = Files.writeString(own.resolve("host.service"), SLEEPER);
        signal("STOP");
        CompletableFuture<Void> install;
        try {
            manager = new SystemdUnitManager(machine.config(true), machine.warnings());
            install = manager.install(Map.of("host.service", UnitFile.parse("[Service]\nExecStart=/bin/true\n")));
        } finally {
            signal("CONT");
        }
        assertThatThrownBy(() -> done(install)).cause().hasMessageContaining(shadow + ", which systemd takes instead");
        assertThat(manager.installed()).isEmpty();
        assertThat(machine.show("host.service", "ActiveState")).isEqualTo("inactive");
    }

    @Test
    void theEndWaitsForTheAnswerToTheOneStartThatSystemdHasBeenAskedFor() throws Exception {
        install("asked.service", SLEEPER);
        install("waiting.service", SLEEPER);
        signal("STOP");
        CompletableFuture<Void> asked;
        Thread end;
        try {
            asked = manager.start("asked.service");
            CompletableFuture<Void> waiting = manager.start("waiting.service");
            SystemdUnitManager ending = manager;
            end = Thread.ofPlatform().daemon().start(() -> ending.close(Duration.ofMinutes(1)));
            assertThat(failure(waiting).retryable()).isTrue();
            assertThat(asked).isNotDone();
        } finally {
            signal("CONT");
        }
        done(asked);
        end.join();
        assertThat(machine.show("asked.service", "ActiveState")).isEqualTo("active");
        assertThat(machine.show("waiting.service", "ActiveState")).isEqualTo("inactive");
    }

    @Test
    void theEndWaitsForNoAnswerForLong() throws Exception {
        install("asked.service", SLEEPER);
        signal("STOP");
        try {
            CompletableFuture<Void> asked = manager.start("asked.service");
            manager.close(Duration.ofMillis(1));
            assertThat(failure(asked).fateUnknown()).isTrue();
        } finally {
            signal("CONT");
        }
    }

    /** Nor for what systemd has logged of a start that it refused. */
    @Test
    void aRefusalIsAnAnswerAtTheEndAlsoWithoutItsReason() throws Exception {
        manager.close();
        Path read = directory.resolve("read");
        Path gate = directory.resolve("gate");
        String journal = "touch " + read + "; until [ -e " + gate + " ]; do sleep 0.1; done";
        manager = new SystemdUnitManager(
                machine.config(true), UnitWarnings.ofJournal(List.of("/bin/sh", "-c", journal), true));
        Heard anew = new Heard();
        manager.subscribe(anew);
        anew.awaitList();
        try {
            done(manager.install(
                    Map.of("bad.service", UnitFile.parse("[Service]\nType=simple\n")), Set.of("bad.service")));
            CompletableFuture<Void> start = manager.start("bad.service");
            await().atMost(Duration.ofSeconds(20)).until(() -> Files.exists(read));
            manager.close(Duration.ofMillis(1));
            assertThat(failure(start))
                    .returns(false, UnitManagerException::fateUnknown)
                    .returns(false, UnitManagerException::retryable)
                    .hasMessageStartingWith("systemd says: ");
        } finally {
            Files.createFile(gate);
        }
    }

    private static UnitManagerException failure(CompletableFuture<Void> order) {
        assertThat(order).failsWithin(Duration.ofSeconds(20));
        return (UnitManagerException) order.exceptionNow();
    }

    /** To systemd. */
    private void signal(String name) throws Exception {
        new ProcessBuilder("kill", "-" + name, machine.get("MANAGER_PID"))
                .start()
                .waitFor();
    }

    /** Has the host run a unit from a directory that comes after fleet's. */
    private Path runFromABackSeat() throws Exception {
        List<String> path = searchPath();
        Path back = path.stream()
                .skip(path.indexOf(machine.searchDirectory().toString()) + 1L)
                .map(Path::of)
                .filter(folder -> folder.startsWith(directory))
                .findFirst()
                .orElseThrow();
        Files.createDirectories(back);
        Path vendor = Files.writeString(back.resolve("vendor.service"), SLEEPER);
        machine.exec("systemctl", "--user", "daemon-reload");
        machine.exec("systemctl", "--user", "start", "vendor.service");
        return vendor;
    }

    @Test
    void aUnitThatTheHostRunsIsLeftToItWhenOrdersComeBeforeTheConnection() throws Exception {
        manager.close();
        Path vendor = runFromABackSeat();
        String pid = machine.show("vendor.service", "MainPID");
        SystemdConfig config = machine.config(true);
        SystemdConfig.Timing usual = SystemdConfig.Timing.DEFAULT;
        SystemdConfig unreachable = config.withAddress("unix:path=" + directory.resolve("nothing"))
                .withTiming(new SystemdConfig.Timing(
                        usual.call(),
                        usual.reload(),
                        Duration.ofSeconds(1),
                        usual.stop(),
                        usual.retryMin(),
                        usual.retryMax(),
                        usual.settle(),
                        usual.window(),
                        usual.maxOrders()));
        String text = "[Service]\nExecStart=/bin/sleep 1000\n";
        manager = new SystemdUnitManager(unreachable, UnitWarnings.none());
        assertThatThrownBy(() -> install("vendor.service", text))
                .cause()
                .hasMessageContaining("whether this machine runs a unit of its own with that name is not known");
        assertThat(manager.installed()).isEmpty();
        manager.close();

        manager = new SystemdUnitManager(config, machine.warnings());
        assertThatThrownBy(() -> install("vendor.service", text))
                .cause()
                .hasMessageContaining("runs a unit of its own with that name, from " + vendor);
        assertThat(manager.installed()).isEmpty();
        assertThat(machine.show("vendor.service", "MainPID")).isEqualTo(pid);
    }

    @Test
    void aUnitThatTheHostRunsFromABackSeatIsLeftToIt() throws Exception {
        Path vendor = runFromABackSeat();
        String pid = machine.show("vendor.service", "MainPID");
        long reloads = machine.reloads();
        assertThatThrownBy(() -> install("vendor.service", "[Service]\nExecStart=/bin/sleep 1000\n"))
                .cause()
                .hasMessageContaining("runs a unit of its own with that name, from " + vendor);
        assertThat(manager.installed()).isEmpty();
        assertThat(machine.show("vendor.service", "MainPID")).isEqualTo(pid);
        assertThat(machine.reloads()).isEqualTo(reloads);
        assertThat(machine.unitsDirectory()).isEmptyDirectory();

        machine.exec("systemctl", "--user", "stop", "vendor.service");
        install("vendor.service", "[Service]\nExecStart=/bin/sleep 1000\n");
        done(manager.start("vendor.service"));
        heard.awaitState("vendor.service", s -> s.activeState().equals("active"));
        assertThat(machine.show("vendor.service", "FragmentPath"))
                .isEqualTo(machine.searchDirectory().resolve("vendor.service").toString());
    }

    @Test
    void aStopMayTakeForEver() throws Exception {
        manager.close();
        SystemdConfig.Timing usual = SystemdConfig.Timing.DEFAULT;
        manager = new SystemdUnitManager(
                machine.config(true)
                        .withTiming(new SystemdConfig.Timing(
                                usual.call(),
                                usual.reload(),
                                usual.start(),
                                Duration.ofMillis(100),
                                usual.retryMin(),
                                usual.retryMax(),
                                usual.settle(),
                                usual.window(),
                                usual.maxOrders())),
                machine.warnings());
        manager.subscribe(heard);
        Path gate = directory.resolve("gate");
        String stubborn = "ExecStop=/bin/sh -c 'until [ -e " + gate + " ]; do sleep 0.1; done'\n";
        install("endless.service", SLEEPER + stubborn + "TimeoutStopSec=infinity\n");
        install("phases.service", SLEEPER + "ExecStop=/bin/sleep 2\nExecStopPost=/bin/sleep 2\nTimeoutStopSec=3\n");
        done(manager.start("endless.service"));
        done(manager.start("phases.service"));
        heard.awaitState("endless.service", s -> s.mainPid() > 0);
        heard.awaitState("phases.service", s -> s.mainPid() > 0);
        CompletableFuture<Void> endless = manager.stop("endless.service");
        CompletableFuture<Void> phases = manager.stop("phases.service");
        done(phases);
        assertThat(endless).isNotDone();
        Files.writeString(gate, "");
        done(endless);
        assertThat(heard.latest("endless.service"))
                .returns("inactive", ObservedState::activeState)
                .returns("", ObservedState::error);
    }

    private List<String> searchPath() throws Exception {
        return machine.exec("systemctl", "--user", "show", "--property=UnitPath", "--value")
                .strip()
                .lines()
                .flatMap(line -> List.of(line.split(" ")).stream())
                .toList();
    }

    private UnitFile install(String unit, String text) throws Exception {
        UnitFile file = UnitFile.parse(text);
        done(manager.install(Map.of(unit, file)));
        return file;
    }

    private void awaitEnd(String unit, int starts) {
        await("end of start " + starts + " of " + unit)
                .pollInterval(Duration.ofMillis(10))
                .atMost(Duration.ofSeconds(20))
                .until(() -> heard.ended.getOrDefault(unit, 0) >= starts);
    }
}
