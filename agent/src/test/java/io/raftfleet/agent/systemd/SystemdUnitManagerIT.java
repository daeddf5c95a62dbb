package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.agent.manager.BootIds;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.UnitFile;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Orders on a real systemd: once straight, once through a bus. */
@ParameterizedClass(name = "direct={0}")
@ValueSource(booleans = {true, false})
@Timeout(180)
class SystemdUnitManagerIT extends OnSystemd {
    private static final String SLEEPER = "[Service]\nExecStart=/bin/sleep infinity\n";

    SystemdUnitManagerIT(boolean direct) {
        super(direct);
    }

    @Test
    void aStartedUnitIsActiveWithItsMainProcess() throws Exception {
        UnitFile file = UnitFile.parse(SLEEPER);
        done(manager.install(Map.of("web@1.service", file)));
        done(manager.start("web@1.service"));
        ObservedState state =
                heard.awaitState("web@1.service", s -> s.activeState().equals("active") && s.mainPid() > 0);
        assertThat(state.loadState()).isEqualTo("loaded");
        assertThat(state.subState()).isEqualTo("running");
        assertThat(state.hash()).isEqualTo(file.hash());
        assertThat(machine.show("web@1.service", "MainPID")).isEqualTo(String.valueOf(state.mainPid()));
        assertThat(done(manager.states())).containsExactly(Map.entry("web@1.service", state));
        assertThat(machine.reloads()).isZero();

        done(manager.start("web@1.service"));
        done(manager.stop("web@1.service"));
        assertThat(heard.latest("web@1.service").activeState()).isEqualTo("inactive");
        assertThat(heard.latest("web@1.service").mainPid()).isZero();
        done(manager.stop("web@1.service"));
    }

    @Test
    void unitsWhoseStartIsAnnouncedAreNotLoadedBeforeIt() throws Exception {
        Map<String, UnitFile> files = new HashMap<>();
        for (int i = 0; i < 20; i++) {
            files.put("web@" + i + ".service", UnitFile.parse(SLEEPER));
        }
        Set<String> toStart = Set.copyOf(files.keySet());
        files.put("web-idle.service", UnitFile.parse(SLEEPER));
        heard.awaitList();
        done(manager.install(files, toStart));
        heard.awaitState("web-idle.service", s -> s.activeState().equals("inactive"));
        assertThat(toStart).noneMatch(heard.latest::containsKey);

        for (String unit : toStart) {
            done(manager.start(unit));
        }
        for (String unit : toStart) {
            heard.awaitState(unit, s -> s.activeState().equals("active") && s.mainPid() > 0);
        }
    }

    @Test
    void aUnitWhoseAnnouncedStartNeverComesIsToldAllTheSame() throws Exception {
        heard.awaitList();
        done(manager.install(Map.of("late.service", UnitFile.parse(SLEEPER)), Set.of("late.service")));
        heard.awaitState(
                "late.service",
                s -> s.loadState().equals("loaded") && s.activeState().equals("inactive"));
    }

    @Test
    void anAnnouncedStartThatStartsNothingIsTold() throws Exception {
        UnitFile skipped = UnitFile.parse("[Unit]\nConditionPathExists=/no/such/file\n" + SLEEPER);
        UnitFile bad = UnitFile.parse("[Service]\nType=simple\n");
        heard.awaitList();
        done(manager.install(
                Map.of("skipped.service", skipped, "bad.service", bad), Set.of("skipped.service", "bad.service")));
        done(manager.start("skipped.service"));
        heard.awaitState("skipped.service", s -> s.activeState().equals("inactive"));
        assertThatThrownBy(() -> done(manager.start("bad.service"))).hasMessageContaining("bad unit file setting");
        heard.awaitState("bad.service", s -> s.loadState().equals("bad-setting"));
    }

    @Test
    void aReloadBetweenAnAnnouncementAndTheStartLosesNothing() throws Exception {
        heard.awaitList();
        done(manager.install(Map.of("web.service", UnitFile.parse(SLEEPER)), Set.of("web.service")));
        machine.exec("systemctl", "--user", "daemon-reload");
        done(manager.start("web.service"));
        heard.awaitState("web.service", s -> s.activeState().equals("active") && s.mainPid() > 0);
    }

    @Test
    void aUnitThatRunsAlreadyIsToldOnceItsAnnouncedStartIsOver() throws Exception {
        UnitFile file = UnitFile.parse(SLEEPER);
        done(manager.install(Map.of("web.service", file)));
        done(manager.start("web.service"));
        ObservedState running =
                heard.awaitState("web.service", s -> s.activeState().equals("active") && s.mainPid() > 0);
        manager.close();
        manager = new SystemdUnitManager(machine.config(direct), machine.warnings());
        Heard again = new Heard();
        manager.subscribe(again);
        again.awaitList();
        UnitFile changed = UnitFile.parse("[Unit]\nDescription=changed\n" + SLEEPER);
        done(manager.install(Map.of("web.service", changed), Set.of("web.service")));
        done(manager.start("web.service"));
        ObservedState told = again.awaitState("web.service", s -> s.hash().equals(changed.hash()) && s.mainPid() > 0);
        assertThat(told.mainPid()).isEqualTo(running.mainPid());
    }

    @Test
    void aUnitThatIsOnlyInstalledIsReportedLoaded() throws Exception {
        done(manager.install(Map.of(
                "idle.service", UnitFile.parse(SLEEPER), "bad.service", UnitFile.parse("[Service]\nType=simple\n"))));
        heard.awaitState(
                "idle.service",
                s -> s.loadState().equals("loaded") && s.activeState().equals("inactive"));
        heard.awaitState("bad.service", s -> s.loadState().equals("bad-setting"));
        assertThatThrownBy(() -> done(manager.start("bad.service")))
                .cause()
                .isInstanceOf(UnitManagerException.class)
                .hasMessageContaining("bad unit file setting")
                .hasMessageContaining("ExecStart");
        assertThatThrownBy(() -> done(manager.start("nowhere.service"))).cause().hasMessageContaining("was not found");
    }

    @Test
    void aFailingUnitIsHeardOf() throws Exception {
        done(manager.install(Map.of("failing.service", UnitFile.parse("[Service]\nExecStart=/bin/false\n"))));
        long begin = System.nanoTime();
        done(manager.start("failing.service"));
        heard.awaitState("failing.service", s -> s.activeState().equals("failed"));
        System.out.printf(
                "failed unit heard of after %d ms%n", TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
    }

    @Test
    void aUnitThatLacksWhatItRequiresIsToldAgain() throws Exception {
        done(manager.install(Map.of(
                "base.service", UnitFile.parse("[Service]\nType=oneshot\nExecStart=/bin/false\n"),
                "top.service", UnitFile.parse("[Unit]\nRequires=base.service\nAfter=base.service\n" + SLEEPER))));
        heard.awaitState("top.service", s -> s.activeState().equals("inactive"));
        heard.latest.remove("top.service");
        done(manager.start("top.service"));
        heard.awaitState("base.service", s -> s.activeState().equals("failed"));
        heard.awaitState("top.service", s -> s.activeState().equals("inactive"));
    }

    @Test
    void anUninstalledUnitLeavesNothing() throws Exception {
        Path foreign = Files.writeString(machine.searchDirectory().resolve("foreign.service"), SLEEPER);
        List<String> before = files(machine.searchDirectory());
        String install = "[Install]\nWantedBy=default.target\nRequiredBy=basic.target\nAlias=other.service\n";
        done(manager.install(Map.of(
                "enabled.service", UnitFile.parse(SLEEPER + install),
                "failing.service", UnitFile.parse("[Service]\nExecStart=/bin/false\n"))));
        assertThat(machine.show("other.service", "Id")).isEqualTo("enabled.service");
        assertThat(machine.exec("systemctl", "--user", "is-enabled", "enabled.service"))
                .isNotEqualTo("disabled\n");
        assertThat(machine.searchDirectory().resolve("default.target.wants/enabled.service"))
                .exists();
        done(manager.start("enabled.service"));
        done(manager.start("failing.service"));
        heard.awaitState("enabled.service", s -> s.activeState().equals("active"));
        heard.awaitState("failing.service", s -> s.activeState().equals("failed"));
        assertThat(manager.installed()).containsOnlyKeys("enabled.service", "failing.service");

        done(manager.stop("enabled.service"));
        done(manager.uninstall(List.of("enabled.service", "failing.service", "unknown.service")));
        assertThat(files(machine.searchDirectory())).isEqualTo(before);
        assertThat(machine.unitsDirectory()).isEmptyDirectory();
        assertThat(foreign).exists();
        assertThat(manager.installed()).isEmpty();
        assertThat(done(manager.states())).isEmpty();
        assertThat(machine.exec("systemctl", "--user", "--failed", "--no-legend"))
                .isEmpty();
        assertThat(machine.show("enabled.service", "LoadState")).isEqualTo("not-found");
    }

    @Test
    void changedContentsAreReadOnceForAll() throws Exception {
        UnitFile first = UnitFile.parse("[Unit]\nDescription=first\n" + SLEEPER);
        UnitFile second = UnitFile.parse("[Unit]\nDescription=second\n" + SLEEPER);
        done(manager.install(Map.of("a.service", first, "b.service", first, "idle.service", first)));
        for (String unit : List.of("a.service", "b.service")) {
            done(manager.start(unit));
            heard.awaitState(unit, s -> s.mainPid() > 0);
        }
        int pid = heard.latest("a.service").mainPid();
        assertThat(machine.reloads()).isZero();
        done(manager.install(Map.of("a.service", first, "b.service", first)));
        assertThat(machine.reloads()).isZero();

        done(manager.install(Map.of("a.service", second, "b.service", second, "idle.service", second)));
        assertThat(machine.reloads()).isOne();
        assertThat(machine.show("a.service", "Description")).isEqualTo("second");
        ObservedState state = heard.awaitState("a.service", s -> s.hash().equals(second.hash()));
        assertThat(state.mainPid()).isEqualTo(pid);

        done(manager.install(Map.of("idle.service", first)));
        assertThat(machine.reloads())
                .as("a unit that is not loaded needs no reload")
                .isOne();
        assertThat(machine.show("idle.service", "Description")).isEqualTo("first");
    }

    @Test
    void anotherManagerTakesOverWhatRuns() throws Exception {
        done(manager.install(Map.of("web.service", UnitFile.parse(SLEEPER), "idle.service", UnitFile.parse(SLEEPER))));
        done(manager.start("web.service"));
        ObservedState before = heard.awaitState("web.service", s -> s.mainPid() > 0);
        heard.awaitState("idle.service", s -> s.activeState().equals("inactive"));
        manager.close();
        try (var successor = new SystemdUnitManager(machine.config(direct), machine.warnings())) {
            var later = new Heard();
            successor.subscribe(later);
            assertThat(successor.installed()).containsOnlyKeys("web.service", "idle.service");
            assertThat(later.awaitState("web.service", s -> true)).isEqualTo(before);
            assertThat(done(successor.states())).isEqualTo(heard.latest);
            assertThat(successor.bootId()).isEqualTo(manager.bootId()).isEqualTo(bootId());
        }
        assertThatThrownBy(() -> done(manager.start("web.service"))).cause().hasMessageContaining("closed");
    }

    @Test
    void aRestartedManagerIsFoundAgain() throws Exception {
        done(manager.install(Map.of("web.service", UnitFile.parse(SLEEPER), "later.service", UnitFile.parse(SLEEPER))));
        done(manager.start("web.service"));
        ObservedState running = heard.awaitState("web.service", s -> s.mainPid() > 0);
        int relists = heard.relists.size();
        String boot = manager.bootId();
        machine.exec("systemctl", "--user", "daemon-reexec");
        heard.awaitState("web.service", s -> heard.relists.size() > relists);
        assertThat(heard.relists.getLast())
                .containsEntry("web.service", running)
                .containsKey("later.service");
        done(manager.start("later.service"));
        heard.awaitState("later.service", s -> s.mainPid() > 0);

        int before = heard.relists.size();
        assertThat(manager.bootId()).isEqualTo(boot);
        machine = machine.restart();
        heard.awaitState(
                "web.service",
                s -> heard.relists.size() > before && s.activeState().equals("inactive"));
        done(manager.start("web.service"));
        heard.awaitState("web.service", s -> s.mainPid() > 0);
        assertThat(manager.bootId()).isNotEqualTo(boot).isEqualTo(bootId());
    }

    @Test
    void aKilledBusStopsNothing() throws Exception {
        done(manager.install(Map.of("web.service", UnitFile.parse(SLEEPER), "later.service", UnitFile.parse(SLEEPER))));
        done(manager.start("web.service"));
        ObservedState running = heard.awaitState("web.service", s -> s.mainPid() > 0);
        int relists = heard.relists.size();
        long bus = Long.parseLong(machine.show("dbus.service", "MainPID"));
        ProcessHandle.of(bus).orElseThrow().destroyForcibly();
        boolean accepted = done(manager.start("later.service").handle((done, lost) -> lost == null));
        if (!direct) {
            heard.awaitState("web.service", s -> heard.relists.size() > relists);
            assertThat(heard.relists.getLast()).containsEntry("web.service", running);
        }
        // A systemd that looks for its bus may answer nobody for longer than an order is waited for.
        for (int tries = 0; !accepted && tries < 5; tries++) {
            accepted = done(manager.start("later.service").handle((done, lost) -> lost == null));
        }
        assertThat(accepted).isTrue();
        heard.awaitState("later.service", s -> s.mainPid() > 0);
        assertThat(heard.latest).containsEntry("web.service", running);
    }

    @Test
    void filesInstalledWithoutAConnectionAreReadOnTheNext() throws Exception {
        UnitFile first = UnitFile.parse("[Unit]\nDescription=first\n" + SLEEPER);
        UnitFile second = UnitFile.parse("[Unit]\nDescription=second\n" + SLEEPER);
        done(manager.install(Map.of("a.service", first)));
        done(manager.start("a.service"));
        heard.awaitState("a.service", s -> s.mainPid() > 0);
        manager.close();
        SystemdConfig config = machine.config(direct);
        SystemdConfig unreachable = config.withAddress("unix:path=" + directory.resolve("nothing"));
        CompletableFuture<Void> waiting;
        try (var cutOff = new SystemdUnitManager(unreachable, UnitWarnings.none())) {
            done(cutOff.install(Map.of("a.service", second)));
            waiting = cutOff.start("a.service");
            assertThatThrownBy(() -> done(cutOff.states())).cause().hasMessageContaining("no connection");
            assertThat(waiting).isNotDone();
        }
        assertThatThrownBy(() -> done(waiting)).cause().hasMessageContaining("unit manager was closed");
        assertThat(machine.show("a.service", "Description")).isEqualTo("first");
        manager = new SystemdUnitManager(config, machine.warnings());
        manager.subscribe(heard);
        heard.awaitState("a.service", s -> s.hash().equals(second.hash()));
        assertThat(machine.show("a.service", "Description")).isEqualTo("second");
    }

    @Test
    void aFileThatSystemdOverlooksIsFoundByASecondLook() throws Exception {
        done(manager.install(Map.of("a.service", UnitFile.parse(SLEEPER))));
        done(manager.start("a.service"));
        FileTime seen = Files.getLastModifiedTime(machine.searchDirectory());
        done(manager.install(Map.of("b.service", UnitFile.parse(SLEEPER))));
        Files.setLastModifiedTime(machine.searchDirectory(), seen);
        done(manager.start("b.service"));
        heard.awaitState("b.service", s -> s.mainPid() > 0);
    }

    /** The same of one that nobody starts: it is asked for its state a while after its file came. */
    @Test
    void aFileThatSystemdOverlooksIsToldAsLoaded() throws Exception {
        manager.close();
        SystemdConfig.Timing usual = SystemdConfig.Timing.DEFAULT;
        manager = new SystemdUnitManager(
                machine.config(direct)
                        .withTiming(new SystemdConfig.Timing(
                                usual.call(),
                                usual.reload(),
                                usual.start(),
                                usual.stop(),
                                usual.retryMin(),
                                usual.retryMax(),
                                Duration.ofSeconds(2),
                                usual.window(),
                                usual.maxOrders())),
                machine.warnings());
        manager.subscribe(heard);
        done(manager.install(Map.of("a.service", UnitFile.parse(SLEEPER))));
        done(manager.start("a.service"));
        heard.awaitState("a.service", s -> s.mainPid() > 0);
        FileTime seen = Files.getLastModifiedTime(machine.searchDirectory());
        done(manager.install(Map.of("b.service", UnitFile.parse(SLEEPER))));
        Files.setLastModifiedTime(machine.searchDirectory(), seen);
        assertThat(heard.awaitState("b.service", s -> true).loadState()).isEqualTo("loaded");
    }

    @Test
    void aSlowStopIsWaitedFor() throws Exception {
        // Not a trap of SIGTERM, which a shell that has only just been started has not set yet.
        String stubborn = "[Service]\nExecStart=/bin/sleep 3600\nKillSignal=SIGCONT\nTimeoutStopSec=1\n";
        done(manager.install(Map.of("stubborn.service", UnitFile.parse(stubborn))));
        done(manager.start("stubborn.service"));
        heard.awaitState("stubborn.service", s -> s.mainPid() > 0);
        CompletableFuture<Void> stopped = manager.stop("stubborn.service");
        heard.awaitState("stubborn.service", s -> s.activeState().equals("deactivating"));
        assertThat(stopped).isNotDone();
        done(stopped);
        assertThat(heard.latest("stubborn.service").activeState()).isEqualTo("failed");
    }

    @Test
    void theUnitsOwnStopTimeCountsWhenItIsLonger() throws Exception {
        manager.close();
        SystemdConfig.Timing usual = SystemdConfig.Timing.DEFAULT;
        manager = new SystemdUnitManager(
                machine.config(direct)
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
        String slow = "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sleep 1\nTimeoutStopSec=20\n";
        done(manager.install(Map.of("slow.service", UnitFile.parse(slow))));
        done(manager.start("slow.service"));
        heard.awaitState("slow.service", s -> s.mainPid() > 0);
        done(manager.stop("slow.service"));
        assertThat(heard.latest("slow.service").activeState()).isEqualTo("inactive");
    }

    @Test
    void aForeignUnitIsNotOverwritten() throws Exception {
        Path foreign = Files.writeString(machine.searchDirectory().resolve("foreign.service"), SLEEPER);
        assertThatThrownBy(() -> done(manager.install(Map.of(
                        "foreign.service", UnitFile.parse("[Service]\nExecStart=/bin/true\n"),
                        "ours.service", UnitFile.parse(SLEEPER)))))
                .cause()
                .isInstanceOf(UnitManagerException.class)
                .hasMessageStartingWith("foreign.service: ")
                .hasMessageContaining(foreign.toString());
        assertThat(foreign).hasContent(SLEEPER);
        assertThat(manager.installed()).containsOnlyKeys("ours.service");
    }

    private String bootId() throws Exception {
        return BootIds.of(machine.get("BOOT_ID"), machine.managerStart());
    }

    private static List<String> files(Path folder) throws Exception {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(f -> !Files.isDirectory(f, LinkOption.NOFOLLOW_LINKS))
                    .map(Path::toString)
                    .sorted()
                    .toList();
        }
    }
}
