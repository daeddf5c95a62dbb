package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.loop.SharedLoop;
import io.raftfleet.agent.reconcile.FileJournal;
import io.raftfleet.agent.reconcile.Reconciler;
import io.raftfleet.agent.session.ContentsStore;
import io.raftfleet.agent.session.ReportQueue;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.Fence;
import io.raftfleet.unit.UnitFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
    private static final Duration LEASE = Duration.ofSeconds(4);
    private static final String FEW_STARTS = "[Unit]\nStartLimitIntervalSec=600\nStartLimitBurst=3\n";
    private static final String FENCED = "\n[X-Fleet]\nFence=true\n";
    private static final String ONE_START = "[Unit]\nStartLimitIntervalSec=600\nStartLimitBurst=1\n";
    private static final String DEAF =
            "[Service]\nExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n" + FENCED;
    private static final String SLEEPER = "[Service]\nExecStart=/bin/sleep infinity\n" + FENCED;

    private final Heard heard = new Heard();

    @TempDir
    private Path directory;

    private final ScheduledExecutorService renewals = Executors.newSingleThreadScheduledExecutor();
    private SimulatedMachine machine;
    private volatile SystemdUnitManager manager;
    private @Nullable ScheduledFuture<?> held;
    private volatile long until;

    @BeforeEach
    void start() throws Exception {
        SimulatedMachine.assumePossible();
        machine = SimulatedMachine.start(directory);
        startManager();
    }

    private void startManager() throws Exception {
        manager = new SystemdUnitManager(machine.config(true), machine.warnings());
        manager.subscribe(heard);
    }

    @AfterEach
    void stop() {
        renewals.shutdownNow();
        if (manager != null) {
            manager.close();
        }
        if (machine != null) {
            machine.close();
        }
    }

    @Test
    void runsOnWhileTheLeaseIsRenewedAndEndsWithIt() throws Exception {
        hold(LEASE);
        run("web.service", SLEEPER);
        assertThat(machine.show("web.service", "BindsTo")).isEqualTo(Fence.LEASE_UNIT);
        assertThat(machine.show("web.service", "TimeoutStopUSec")).isEqualTo("10s");
        assertThat(manager.installed()).containsOnlyKeys("web.service");
        assertThat(machine.reloads()).isZero();
        String pid = machine.show("web.service", "MainPID");
        long first = until;
        await().atMost(PATIENCE).until(() -> System.nanoTime() - first > 0);
        assertThat(machine.show("web.service", "MainPID")).isEqualTo(pid);
        assertThat(done(manager.stoppedByFence())).isEmpty();

        long end = letGo();
        long dead = awaitDead(pid);
        assertThat(dead).as("not before the lease is over").isGreaterThan(end);
        assertThat(Duration.ofNanos(dead - end)).isLessThan(Fence.drift(LEASE));
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
        hold(LEASE);
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
        letGo();
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(done(manager.stoppedByFence()))
                        .containsExactlyInAnyOrder("web.service", "long.service"));
        assertThat(machine.show("free.service", "ActiveState")).isEqualTo("active");
    }

    @Test
    void aProcessThatIgnoresSigtermIsKilledAndUnitsOrderedAfterItDoNotDelayThat() throws Exception {
        hold(LEASE);
        String deaf = "/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n";
        run("deaf.service", "[Service]\nTimeoutStopSec=600\nExecStart=" + deaf + FENCED);
        run(
                "mate.service",
                "[Unit]\nBindsTo=deaf.service\nAfter=deaf.service\n[Service]\nTimeoutStopSec=100\nExecStart=" + deaf);
        String pid = machine.show("deaf.service", "MainPID");
        long end = letGo();
        long dead = awaitDead(pid);
        assertThat(Duration.ofNanos(dead - end))
                .isGreaterThan(Fence.STOP_TIME.minusSeconds(1))
                .isLessThan(Fence.afterTtl(LEASE));
        machine.exec("systemctl", "--user", "kill", "--signal=KILL", "mate.service");
    }

    @Test
    void aLeaseProcessThatStandsStillIsReplacedByTheWatchdog() throws Exception {
        hold(LEASE);
        run("web.service", SLEEPER);
        String pid = machine.show("web.service", "MainPID");
        machine.exec("systemctl", "--user", "kill", "--kill-whom=all", "--signal=STOP", Fence.LEASE_UNIT);
        letGo();
        long end = renew(Duration.ofSeconds(60));
        long dead = awaitDead(pid);
        assertThat(Duration.ofNanos(end - dead))
                .as("the stopped process could not see the renewal")
                .isPositive();
        heard.awaitState("web.service", s -> s.activeState().equals("inactive"));
        assertThat(machine.show(Fence.LEASE_UNIT, "Result")).isEqualTo("watchdog");
        // The lease's end is noted beside the units' stops, not before them.
        await().atMost(PATIENCE).until(() -> done(manager.stoppedByFence()).contains("web.service"));

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

    @Test
    void whatTheFenceStopsDoesNotUseUpTheStartsThatAUnitAllowsItself() throws Exception {
        renew(Duration.ofMinutes(10));
        // systemd unloads a unit that has ended, and its count with it, unless another one refers to it.
        run("mate.service", "[Unit]\nAfter=web.service\n[Service]\nExecStart=/bin/sleep infinity\n");
        run("web.service", FEW_STARTS + SLEEPER);
        for (int stop = 1; stop <= 6; stop++) {
            killLease();
            heard.awaitState("web.service", s -> s.activeState().equals("inactive"));
            await().atMost(PATIENCE).until(() -> done(manager.stoppedByFence()).contains("web.service"));
            if (stop == 4) {
                manager.close();
                startManager();
            }
            done(manager.start("web.service"));
            heard.awaitState("web.service", s -> s.activeState().equals("active") && s.mainPid() > 0);
        }
        assertThat(done(manager.stoppedByFence())).isEmpty();
    }

    @Test
    void aFencedUnitThatFailsByItselfMeetsItsOwnLimit() throws Exception {
        renew(Duration.ofMinutes(10));
        done(manager.install(Map.of(
                "bad.service",
                UnitFile.parse(
                        FEW_STARTS + "[Service]\nRestart=always\nRestartSec=10ms\nExecStart=/bin/false\n" + FENCED))));
        done(manager.start("bad.service"));
        heard.awaitState("bad.service", s -> s.activeState().equals("failed"));
        assertThat(Integer.parseInt(machine.show("bad.service", "NRestarts"))).isBetween(1, 3);
        assertThat(done(manager.stoppedByFence())).isEmpty();
    }

    @Test
    void aStartDuringWhichTheLeaseProcessEndedIsOneThatTheFenceStopped() throws Exception {
        renew(Duration.ofMinutes(10));
        Path go = directory.resolve("go");
        done(manager.install(Map.of(
                "slow.service",
                        UnitFile.parse("[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'until [ -e "
                                + go + " ]; do sleep 0.1; done'\n"),
                "web.service", UnitFile.parse("[Unit]\nRequires=slow.service\nAfter=slow.service\n" + SLEEPER))));
        done(manager.start("web.service"));
        heard.awaitState("slow.service", s -> s.activeState().equals("activating"));
        await().atMost(PATIENCE)
                .until(() -> machine.show(Fence.LEASE_UNIT, "ActiveState").equals("active"));
        killLease();
        Files.createFile(go);
        await().atMost(PATIENCE).until(() -> done(manager.stoppedByFence()).contains("web.service"));
        done(manager.start("web.service"));
        heard.awaitState("web.service", s -> s.activeState().equals("active") && s.mainPid() > 0);
    }

    @Test
    void aStartWhoseOwnDependencyFailsIsNone() throws Exception {
        renew(Duration.ofMinutes(10));
        done(manager.install(Map.of(
                "never.service", UnitFile.parse("[Service]\nType=oneshot\nExecStart=/bin/false\n"),
                "web.service", UnitFile.parse("[Unit]\nRequires=never.service\nAfter=never.service\n" + SLEEPER))));
        done(manager.start("web.service"));
        heard.awaitState("never.service", s -> s.activeState().equals("failed"));
        heard.awaitState("web.service", s -> s.activeState().equals("inactive"));
        assertThat(done(manager.stoppedByFence())).isEmpty();
    }

    @Test
    void aStartThatHasNotBegunLeavesTheUnitAsOneThatTheFenceStopped() throws Exception {
        renew(Duration.ofMinutes(10));
        Path go = Files.createFile(directory.resolve("go"));
        done(manager.install(Map.of(
                "slow.service",
                UnitFile.parse("[Service]\nType=oneshot\nExecStart=/bin/sh -c 'until [ -e " + go
                        + " ]; do sleep 0.1; done'\n"))));
        run("web.service", "[Unit]\nWants=slow.service\nAfter=slow.service\n" + SLEEPER);
        killLease();
        heard.awaitState("web.service", s -> s.activeState().equals("inactive"));
        Files.delete(go);
        done(manager.start("web.service"));
        heard.awaitState("slow.service", s -> s.activeState().equals("activating"));
        manager.close();
        startManager();
        assertThat(done(manager.stoppedByFence())).containsExactly("web.service");
        Files.createFile(go);
        heard.awaitState("web.service", s -> s.activeState().equals("active"));
        assertThat(done(manager.stoppedByFence())).isEmpty();
    }

    @Test
    void aUnitThatTookLongToStopIsOneThatTheFenceStoppedThoughTheLeaseIsHeldAgain() throws Exception {
        renew(Duration.ofMinutes(10));
        run("web.service", SLEEPER);
        run("deaf.service", DEAF);
        killLease();
        heard.awaitState("web.service", s -> s.activeState().equals("inactive"));
        heard.awaitState("deaf.service", s -> s.activeState().equals("deactivating"));
        done(manager.start("web.service"));
        heard.awaitState("web.service", s -> s.activeState().equals("active"));
        heard.awaitState("deaf.service", s -> s.activeState().equals("failed"));
        assertThat(done(manager.stoppedByFence())).containsExactly("deaf.service");
        done(manager.stop("web.service"));
        done(manager.start("deaf.service"));
        heard.awaitState("deaf.service", s -> s.activeState().equals("active"));
        assertThat(done(manager.stoppedByFence())).isEmpty();
    }

    @Test
    void aLeaseThatComesAndGoesWhileAUnitStopsLeavesItRunning() throws Exception {
        Loop loop = new SharedLoop(renewals, renewals);
        UnitFile deaf = UnitFile.parse(ONE_START + DEAF);
        try (FileJournal journal = FileJournal.open(directory.resolve("journal"))) {
            var reconciler = new Reconciler(
                    loop,
                    manager,
                    journal,
                    new ReportQueue(4),
                    new ContentsStore(1 << 20),
                    hashes -> Map.of(deaf.hash(), CompletableFuture.completedFuture(deaf)),
                    new SplittableRandom(1));
            var ready = new CompletableFuture<Void>();
            reconciler.start(() -> ready.complete(null));
            done(ready);
            loop.execute(() -> {
                reconciler.opened(Welcome.newBuilder().setAssignmentsMatch(true).build());
                reconciler.apply(AssignmentDelta.newBuilder()
                        .addSet(AssignedUnit.newBuilder()
                                .setName("deaf.service")
                                .setHash(deaf.hash().toByteString())
                                .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                                .setStartGeneration(1))
                        .build());
                reconciler.leaseHeld(System.nanoTime() + LEASE.toNanos());
            });
            await().atMost(PATIENCE).until(() -> isActive("deaf.service"));
            String pid = machine.show("deaf.service", "MainPID");
            await().atMost(PATIENCE)
                    .until(() -> machine.show("deaf.service", "ActiveState").equals("deactivating"));
            for (int again = 0; again < 3; again++) {
                long over = System.nanoTime() + Duration.ofSeconds(1).toNanos();
                loop.execute(() -> reconciler.leaseHeld(over));
                await().atMost(PATIENCE).until(() -> System.nanoTime() - over > 0);
            }
            loop.execute(() -> reconciler.leaseHeld(
                    System.nanoTime() + Duration.ofMinutes(10).toNanos()));
            awaitDead(pid);
            await().atMost(PATIENCE).until(() -> isActive("deaf.service"));
        }
    }

    private boolean isActive(String unit) throws Exception {
        return machine.show(unit, "ActiveState").equals("active");
    }

    /** Ends the lease's process; returns when all stops that follow from that have been asked for. */
    private void killLease() throws Exception {
        machine.exec("systemctl", "--user", "kill", "--signal=KILL", Fence.LEASE_UNIT);
        await().atMost(PATIENCE)
                .until(() -> machine.show(Fence.LEASE_UNIT, "ActiveState").equals("failed"));
    }

    /** Renews the lease by this much, again and again, however long what comes next takes. */
    private void hold(Duration left) {
        renew(left);
        held = renewals.scheduleWithFixedDelay(() -> renew(left), 100, 100, TimeUnit.MILLISECONDS);
    }

    /** Renews it no longer; returns when it ends. */
    private long letGo() throws Exception {
        Objects.requireNonNull(held).cancel(false);
        renewals.submit(() -> {}).get(PATIENCE.toSeconds(), TimeUnit.SECONDS); // The last one is through.
        return until;
    }

    private long renew(Duration left) {
        long end = System.nanoTime() + left.toNanos();
        manager.renewLease(end);
        until = end;
        return end;
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
