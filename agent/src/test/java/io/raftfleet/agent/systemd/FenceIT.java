package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.unit.Fence;
import io.raftfleet.unit.UnitFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Fenced units on a real systemd. Renewals that stop coming stand for an agent that is killed, paused or cut off: what happens
 * next needs no agent, and what a test looks at is asked of systemd, or of the units' own processes.
 */
@Timeout(180)
class FenceIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String FENCED = "\n[X-Fleet]\nFence=true\n";
    private static final String SLEEPER = "[Service]\nExecStart=/bin/sleep infinity\n" + FENCED;

    private final Heard heard = new Heard();

    @TempDir
    private Path directory;

    private SimulatedMachine machine;
    private SystemdUnitManager manager;

    @BeforeEach
    void start() throws Exception {
        SimulatedMachine.assumePossible();
        machine = SimulatedMachine.start(directory);
        startManager();
    }

    private void startManager() throws Exception {
        manager = new SystemdUnitManager(machine.config(true));
        manager.subscribe(heard);
    }

    @AfterEach
    void stop() {
        if (manager != null) {
            manager.close();
        }
        if (machine != null) {
            machine.close();
        }
    }

    @Test
    void runsOnWhileTheLeaseIsRenewedAndEndsWithIt() throws Exception {
        renew(Duration.ofSeconds(2));
        run("web.service", SLEEPER);
        assertThat(machine.show("web.service", "BindsTo")).isEqualTo(Fence.LEASE_UNIT);
        assertThat(machine.show("web.service", "TimeoutStopUSec")).isEqualTo("10s");
        assertThat(manager.installed()).containsOnlyKeys("web.service");
        assertThat(machine.reloads()).isZero();
        String pid = machine.show("web.service", "MainPID");
        for (int i = 0; i < 8; i++) {
            renew(Duration.ofSeconds(2));
            await().pollDelay(Duration.ofMillis(500)).until(() -> true);
        }
        assertThat(machine.show("web.service", "MainPID")).isEqualTo(pid);
        assertThat(done(manager.stoppedByFence())).isEmpty();

        long end = renew(Duration.ofSeconds(3));
        long dead = awaitDead(pid);
        assertThat(dead).as("not before the lease is over").isGreaterThan(end);
        assertThat(dead - end).isLessThan(Fence.WATCHDOG_SLACK.toNanos());
        heard.awaitState("web.service", s -> s.activeState().equals("inactive"));
        assertThat(done(manager.stoppedByFence())).containsExactly("web.service");

        // Without a lease nothing starts it.
        done(manager.start("web.service"));
        await().atMost(PATIENCE).until(() -> !done(manager.stoppedByFence()).isEmpty());
        assertThat(machine.show("web.service", "MainPID")).isEqualTo("0");

        renew(Duration.ofSeconds(60));
        assertThat(done(manager.stoppedByFence())).containsExactly("web.service");
        done(manager.start("web.service"));
        heard.awaitState("web.service", s -> s.activeState().equals("active"));
        assertThat(done(manager.stoppedByFence())).isEmpty();
    }

    @Test
    void aUnitThatEndedByItselfIsNotOneThatTheFenceStopped() throws Exception {
        renew(Duration.ofSeconds(4));
        run("web.service", SLEEPER);
        done(manager.install(Map.of(
                "once.service", UnitFile.parse("[Service]\nType=oneshot\nExecStart=/bin/true\n" + FENCED),
                "long.service", UnitFile.parse("[Service]\nType=oneshot\nExecStart=/bin/sleep infinity\n" + FENCED),
                "free.service", UnitFile.parse("[Service]\nExecStart=/bin/sleep infinity\n"))));
        done(manager.start("once.service"));
        done(manager.start("long.service"));
        done(manager.start("free.service"));
        heard.awaitState("long.service", s -> s.activeState().equals("activating"));
        heard.awaitState("once.service", s -> s.activeState().equals("inactive"));
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(done(manager.stoppedByFence()))
                        .containsExactlyInAnyOrder("web.service", "long.service"));
        assertThat(machine.show("free.service", "ActiveState")).isEqualTo("active");
    }

    @Test
    void aProcessThatIgnoresSigtermIsKilledAndUnitsOrderedAfterItDoNotDelayThat() throws Exception {
        renew(Duration.ofSeconds(4));
        String deaf = "/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n";
        run("deaf.service", "[Service]\nTimeoutStopSec=600\nExecStart=" + deaf + FENCED);
        run(
                "mate.service",
                "[Unit]\nBindsTo=deaf.service\nAfter=deaf.service\n[Service]\nTimeoutStopSec=100\nExecStart=" + deaf);
        String pid = machine.show("deaf.service", "MainPID");
        long end = renew(Duration.ofSeconds(4));
        long dead = awaitDead(pid);
        assertThat(Duration.ofNanos(dead - end))
                .isGreaterThan(Fence.STOP_TIME.minusSeconds(1))
                .isLessThan(Fence.afterTtl(Duration.ofSeconds(4)));
        machine.exec("systemctl", "--user", "kill", "--signal=KILL", "mate.service");
    }

    @Test
    void aLeaseProcessThatStandsStillIsReplacedByTheWatchdog() throws Exception {
        renew(Duration.ofSeconds(6));
        run("web.service", SLEEPER);
        String pid = machine.show("web.service", "MainPID");
        machine.exec("systemctl", "--user", "kill", "--kill-whom=all", "--signal=STOP", Fence.LEASE_UNIT);
        long end = renew(Duration.ofSeconds(60));
        long dead = awaitDead(pid);
        assertThat(Duration.ofNanos(end - dead))
                .as("the stopped process could not see the renewal")
                .isPositive();
        heard.awaitState("web.service", s -> s.activeState().equals("inactive"));
        assertThat(machine.show(Fence.LEASE_UNIT, "Result")).isEqualTo("watchdog");
        assertThat(done(manager.stoppedByFence())).containsExactly("web.service");

        done(manager.start("web.service"));
        heard.awaitState("web.service", s -> s.activeState().equals("active"));
        machine.exec("systemctl", "--user", "kill", "--signal=KILL", Fence.LEASE_UNIT);
        heard.awaitState("web.service", s -> s.activeState().equals("inactive"));
        await().atMost(PATIENCE).until(() -> done(manager.stoppedByFence()).contains("web.service"));
    }

    @Test
    void anAgentThatStartsAgainWithinTheLeaseChangesNothing() throws Exception {
        renew(Duration.ofSeconds(60));
        run("web.service", SLEEPER);
        String pid = machine.show("web.service", "MainPID");
        String lease = machine.show(Fence.LEASE_UNIT, "MainPID");
        manager.close();
        startManager();
        heard.awaitState("web.service", s -> s.mainPid() == Integer.parseInt(pid));
        renew(Duration.ofSeconds(60));
        assertThat(done(manager.stoppedByFence())).isEmpty();
        assertThat(machine.show("web.service", "MainPID")).isEqualTo(pid);
        assertThat(machine.show(Fence.LEASE_UNIT, "MainPID")).isEqualTo(lease);
        assertThat(machine.show("web.service", "NeedDaemonReload")).isEqualTo("no");

        // Gone without traces, and with the last fenced unit the lease's process.
        done(manager.stop("web.service"));
        done(manager.uninstall(java.util.List.of("web.service")));
        assertThat(machine.searchDirectory().resolve("web.service.d")).doesNotExist();
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(machine.show(Fence.LEASE_UNIT, "ActiveState"))
                        .isEqualTo("inactive"));
    }

    @Test
    void aUnitBecomesFencedAndUnfencedWithItsFile() throws Exception {
        renew(Duration.ofSeconds(60));
        run("web.service", "[Service]\nExecStart=/bin/sleep infinity\n");
        assertThat(machine.show("web.service", "BindsTo")).isEmpty();
        done(manager.stop("web.service"));
        run("web.service", SLEEPER);
        assertThat(machine.show("web.service", "BindsTo")).isEqualTo(Fence.LEASE_UNIT);
        done(manager.stop("web.service"));
        run("web.service", "[Service]\nExecStart=/bin/sleep infinity\n");
        assertThat(machine.show("web.service", "BindsTo")).isEmpty();
        assertThat(machine.searchDirectory().resolve("web.service.d")).doesNotExist();
    }

    private long renew(Duration left) {
        long until = System.nanoTime() + left.toNanos();
        manager.renewLease(until);
        return until;
    }

    private void run(String name, String text) throws Exception {
        done(manager.install(Map.of(name, UnitFile.parse(text))));
        done(manager.start(name));
        heard.awaitState(name, s -> s.activeState().equals("active") && s.mainPid() > 0);
    }

    /** When a process was found to be gone. */
    private static long awaitDead(String pid) {
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> !Files.exists(Path.of("/proc", pid)));
        return System.nanoTime();
    }

    private static <T> T done(CompletableFuture<T> order) throws Exception {
        return order.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
}
