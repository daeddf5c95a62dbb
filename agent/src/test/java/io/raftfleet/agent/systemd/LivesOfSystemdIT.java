package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.loop.VirtualLoop;
import io.raftfleet.agent.reconcile.FileJournal;
import io.raftfleet.agent.reconcile.Reconciler;
import io.raftfleet.agent.session.ContentsStore;
import io.raftfleet.agent.session.ReportQueue;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What runs after an agent, or a systemd, has ended and begun again while the kernel's boot went on. */
@Timeout(180)
class LivesOfSystemdIT extends OnSystemd {
    private static final String KERNEL_BOOT = "0123456789abcdef".repeat(2);
    private static final String RUNS = "runs.service";
    private static final String ENDS = "ends.service";

    private final VirtualLoop loop = new VirtualLoop();
    private Path starts;
    private Map<String, UnitFile> files;
    private FileJournal journal;
    private Reconciler reconciler;

    LivesOfSystemdIT() {
        super(true);
    }

    @BeforeEach
    void startAgent() throws Exception {
        manager.close();
        starts = directory.resolve("starts");
        files = Map.of(
                RUNS, UnitFile.parse("[Service]\nExecStartPre=" + writes(RUNS, "") + "ExecStart=/bin/sleep infinity\n"),
                ENDS, UnitFile.parse("[Service]\nType=oneshot\nExecStart=" + writes(ENDS, "; exit 1")));
        Path bootId = Files.writeString(directory.resolve("kernel-boot"), KERNEL_BOOT);
        manager = new SystemdUnitManager(machine.config(direct).withBootIdFile(bootId), machine.warnings());
        journal = FileJournal.open(directory.resolve("journal"));
        reconciler = new Reconciler(
                loop,
                manager,
                journal,
                new ReportQueue(4),
                new ContentsStore(1 << 20),
                hashes -> hashes.stream()
                        .collect(Collectors.toMap(
                                hash -> hash,
                                hash -> files.values().stream()
                                        .filter(file -> file.hash().equals(hash))
                                        .findFirst()
                                        .map(CompletableFuture::completedFuture)
                                        .orElseThrow())),
                new SplittableRandom(1));
        AtomicBoolean ready = new AtomicBoolean();
        reconciler.start(() -> ready.set(true));
        loop.runUntil(ready::get);
        reconciler.opened(Welcome.newBuilder().setAssignmentsMatch(true).build());
    }

    @AfterEach
    void stopAgent() {
        manager.close();
        journal.close();
    }

    private String writes(String unit, String then) {
        return "/bin/sh -c 'echo " + unit + " >> " + starts + then + "'\n";
    }

    private void order() throws Exception {
        AssignmentDelta.Builder delta = AssignmentDelta.newBuilder();
        files.forEach((name, file) -> delta.addSet(AssignedUnit.newBuilder()
                .setName(name)
                .setHash(file.hash().toByteString())
                .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                .setStartGeneration(1)));
        reconciler.apply(delta.build());
        asOrdered();
    }

    /** Until both are as their orders say: one runs, the other has ended. */
    private void asOrdered() throws Exception {
        loop.runUntil(() -> reconciler.unsettled() == 0
                && state(RUNS).getActiveState().equals("active")
                && state(ENDS).getActiveState().equals("failed"));
    }

    private UnitState state(String name) {
        return reconciler.states(List.of(Digest.bucket(name))).stream()
                .filter(state -> state.getName().equals(name))
                .findFirst()
                .orElse(UnitState.getDefaultInstance());
    }

    private Map<String, Long> starts() throws Exception {
        return Files.readAllLines(starts).stream().collect(Collectors.groupingBy(unit -> unit, Collectors.counting()));
    }

    private String sentBootId() {
        Hello.Builder hello = Hello.newBuilder();
        reconciler.describe(hello);
        return hello.getBootId();
    }

    @Test
    void anotherAgentOrAnotherProgramOfTheSameSystemdStartsNothing() throws Exception {
        order();
        assertThat(starts()).containsOnly(Map.entry(RUNS, 1L), Map.entry(ENDS, 1L));
        stopAgent();
        startAgent();
        asOrdered();
        String boot = manager.bootId();
        machine.exec("systemctl", "--user", "daemon-reload");
        machine.exec("systemctl", "--user", "daemon-reexec");
        stopAgent();
        startAgent();
        asOrdered();
        assertThat(manager.bootId()).isEqualTo(boot);
        assertThat(starts()).containsOnly(Map.entry(RUNS, 1L), Map.entry(ENDS, 1L));
    }

    @Test
    void anotherSystemdInTheSameBootStartsAgainWhatWasLaunchedOnce() throws Exception {
        order();
        String boot = manager.bootId();
        machine = machine.restart();
        loop.runUntil(() -> !manager.bootId().equals(boot));
        loop.runUntil(() -> state(RUNS).getLaunched() && state(ENDS).getLaunched());
        asOrdered();
        assertThat(starts()).containsOnly(Map.entry(RUNS, 2L), Map.entry(ENDS, 2L));
        assertThat(sentBootId()).as("the kernel's").isEqualTo(KERNEL_BOOT);

        // The same when the agent was down meanwhile.
        stopAgent();
        machine = machine.restart();
        startAgent();
        asOrdered();
        assertThat(starts()).containsOnly(Map.entry(RUNS, 3L), Map.entry(ENDS, 3L));
    }
}
