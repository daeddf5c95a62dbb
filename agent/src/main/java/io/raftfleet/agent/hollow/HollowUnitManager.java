package io.raftfleet.agent.hollow;

import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.LogSource;
import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.Fence;
import io.raftfleet.unit.UnitFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A machine in memory. Units go through the states that systemd would show for a simple service, at once, or as their file
 * says in {@code [X-Hollow]}: see {@link HollowBehaviour}. Each start gets the next main pid of the machine.
 *
 * <p>Owned by the machine's loop, which gives the orders and runs the timers; logs and status may be read by any thread.
 */
public final class HollowUnitManager implements UnitManager, LogSource {
    private static final int FIRST_PID = 1000;

    /** Told, on the machine's loop, when a unit's main process began or ended. */
    @FunctionalInterface
    public interface Witness {
        void ran(String unit, boolean started, int pid);
    }

    private static final class Unit {
        final String name;
        UnitFile file;
        HollowBehaviour behaviour;
        boolean fenced;
        volatile ObservedState state;
        Loop.@Nullable Timer timer;

        @Nullable
        CompletableFuture<Void> stopping;

        Unit(String name, UnitFile file) {
            this.name = name;
            this.file = file;
            this.behaviour = HollowBehaviour.of(file);
            this.fenced = Fence.applies(name, file.text());
            this.state = dead(file);
        }

        boolean up() {
            return switch (state.activeState()) {
                case "active", "activating", "deactivating" -> true;
                default -> false;
            };
        }
    }

    private final Loop loop;
    private final String bootId;
    private final HollowLog log;
    private final Witness witness;
    private final Map<String, Unit> units = new ConcurrentHashMap<>();
    private @Nullable Listener listener;
    private int lastPid = FIRST_PID - 1;
    private final Set<String> stoppedByFence = new HashSet<>();
    private boolean leaseKnown;
    private long leaseUntil;
    private Loop.@Nullable Timer leaseTimer;

    /**
     * A machine that has just booted, without units.
     *
     * @param bootId 32 hexadecimal digits
     * @param clock stamps log lines
     */
    public HollowUnitManager(Loop loop, String bootId, Clock clock) {
        this(loop, bootId, clock, (unit, started, pid) -> {});
    }

    /** The same, with somebody who is told of each start and stop. */
    public HollowUnitManager(Loop loop, String bootId, Clock clock, Witness witness) {
        this.witness = witness;
        this.loop = loop;
        this.bootId = bootId;
        this.log = new HollowLog(clock);
    }

    @Override
    public Map<String, UnitFile> installed() {
        Map<String, UnitFile> files = new LinkedHashMap<>();
        units.forEach((name, unit) -> files.put(name, unit.file));
        return files;
    }

    @Override
    public CompletableFuture<Void> install(Map<String, UnitFile> files, Set<String> toStart) {
        files.forEach((name, file) -> {
            Unit unit = units.get(name);
            if (unit == null) {
                units.put(name, new Unit(name, file));
                tell(name, dead(file));
            } else if (!unit.file.equals(file)) {
                unit.file = file;
                unit.behaviour = HollowBehaviour.of(file);
                unit.fenced = Fence.applies(name, file.text());
                ObservedState now = unit.state;
                show(unit, now.activeState(), now.subState(), now.mainPid());
            }
        });
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> start(String name) {
        Unit unit = units.get(name);
        if (unit == null) {
            return refused("it is not installed on this hollow machine");
        }
        if (unit.behaviour.refuseStart()) {
            return refused("its file says RefuseStart=true");
        }
        if (unit.up() && !unit.state.activeState().equals("deactivating")) {
            startEnded(name);
            return CompletableFuture.completedFuture(null);
        }
        if (unit.fenced) {
            if (!leaseHeld()) {
                return CompletableFuture.failedFuture(
                        UnitManagerException.notIssued("it has Fence=true, and this machine holds no lease"));
            }
            awaitLeaseEnd();
        }
        int pid = ++lastPid;
        after(unit, unit.behaviour.startDelay(), () -> up(unit, pid));
        if (!unit.behaviour.startDelay().isZero()) {
            show(unit, "activating", "start", pid);
        }
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> answers() {
        var answer = new CompletableFuture<Void>();
        loop.execute(() -> answer.complete(null));
        return answer;
    }

    @Override
    public void renewLease(long untilNanos) {
        leaseUntil = untilNanos;
        leaseKnown = true;
    }

    @Override
    public CompletableFuture<Set<String>> stoppedByFence() {
        return CompletableFuture.completedFuture(Set.copyOf(stoppedByFence));
    }

    private boolean leaseHeld() {
        return leaseKnown && leaseUntil - loop.nanoTime() > 0;
    }

    /** Only while a fenced unit runs is there a timer for it, one for all. */
    private void awaitLeaseEnd() {
        if (leaseTimer == null) {
            leaseTimer = loop.schedule(Duration.ofNanos(leaseUntil - loop.nanoTime()), this::leaseMayBeOver);
        }
    }

    private void leaseMayBeOver() {
        leaseTimer = null;
        for (Unit unit : units.values()) {
            if (!unit.fenced || !unit.up() || unit.state.activeState().equals("deactivating")) {
                continue;
            }
            if (leaseHeld()) {
                awaitLeaseEnd();
            } else {
                stopForLease(unit);
            }
        }
    }

    private void stopForLease(Unit unit) {
        int pid = unit.state.mainPid();
        after(unit, unit.behaviour.stopDelay(), () -> {
            stoppedByFence.add(unit.name);
            log.add(unit.name, pid, "stopped: the lease is over");
            witness.ran(unit.name, false, pid);
            show(unit, "inactive", "dead", 0);
        });
        if (!unit.behaviour.stopDelay().isZero()) {
            show(unit, "deactivating", "stop-sigterm", pid);
        }
    }

    private void up(Unit unit, int pid) {
        stoppedByFence.remove(unit.name);
        if (unit.behaviour.failStart()) {
            log.add(unit.name, pid, "failed to start");
            show(unit, "failed", "failed", 0, "it failed to start, as its file says: FailStart=true");
            startEnded(unit.name);
            return;
        }
        log.add(unit.name, pid, "started");
        witness.ran(unit.name, true, pid);
        show(unit, "active", "running", pid);
        startEnded(unit.name);
        Duration exitAfter = unit.behaviour.exitAfter();
        if (exitAfter != null) {
            after(unit, exitAfter, () -> exited(unit, pid));
        }
    }

    private void exited(Unit unit, int pid) {
        int code = unit.behaviour.exitCode();
        log.add(unit.name, pid, "exited with " + code);
        witness.ran(unit.name, false, pid);
        if (code == 0) {
            show(unit, "inactive", "dead", 0);
        } else {
            show(unit, "failed", "failed", 0, "its main process exited with status " + code);
        }
    }

    @Override
    public CompletableFuture<Void> stop(String name) {
        Unit unit = units.get(name);
        if (unit == null || !unit.up()) {
            return CompletableFuture.completedFuture(null);
        }
        if (unit.stopping != null) {
            return unit.stopping;
        }
        CompletableFuture<Void> stopped = new CompletableFuture<>();
        int pid = unit.state.mainPid();
        after(unit, unit.behaviour.stopDelay(), () -> {
            log.add(name, pid, "stopped");
            witness.ran(name, false, pid);
            show(unit, "inactive", "dead", 0);
            stopped.complete(null);
        });
        if (!unit.behaviour.stopDelay().isZero()) {
            unit.stopping = stopped;
            show(unit, "deactivating", "stop-sigterm", pid);
        }
        return stopped;
    }

    @Override
    public CompletableFuture<Void> uninstall(Collection<String> names) {
        for (String name : names) {
            Unit unit = units.remove(name);
            stoppedByFence.remove(name);
            if (unit != null) {
                supersede(unit);
            }
        }
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Map<String, ObservedState>> states() {
        Map<String, ObservedState> all = new HashMap<>();
        units.forEach((name, unit) -> all.put(name, unit.state));
        return CompletableFuture.completedFuture(all);
    }

    @Override
    public void subscribe(Listener listener) {
        this.listener = listener;
    }

    @Override
    public String bootId() {
        return bootId;
    }

    @Override
    public void close() {
        listener = null;
    }

    @Override
    public InputStream journal(String unit, int lines, boolean follow, String output) throws IOException {
        if (!units.containsKey(unit)) {
            throw new IOException(unit + " is not on this hollow machine");
        }
        return log.read(unit, lines, follow);
    }

    @Override
    public InputStream status(String name) throws IOException {
        Unit unit = units.get(name);
        if (unit == null) {
            throw new IOException(name + " is not on this hollow machine");
        }
        ObservedState state = unit.state;
        String text = "* " + name + " (on a hollow machine)\n     Loaded: " + state.loadState() + "\n     Active: "
                + state.activeState() + " (" + state.subState() + ")\n"
                + (state.mainPid() == 0 ? "" : "   Main PID: " + state.mainPid() + "\n");
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Runs {@code then} after {@code delay}, at once when there is none; takes back what the unit waited for before. */
    private void after(Unit unit, Duration delay, Runnable then) {
        supersede(unit);
        if (delay.isZero()) {
            then.run();
        } else {
            unit.timer = loop.schedule(delay, () -> {
                unit.timer = null;
                unit.stopping = null;
                then.run();
            });
        }
    }

    /** Another job takes the place of the one under way. */
    private static void supersede(Unit unit) {
        if (unit.timer != null) {
            unit.timer.cancel();
            unit.timer = null;
        }
        if (unit.stopping != null) {
            unit.stopping.completeExceptionally(new UnitManagerException("another job came in between"));
            unit.stopping = null;
        }
    }

    private void show(Unit unit, String active, String sub, int pid) {
        show(unit, active, sub, pid, "");
    }

    private void show(Unit unit, String active, String sub, int pid, String error) {
        unit.state = new ObservedState("loaded", active, sub, pid, unit.file.hash(), error);
        tell(unit.name, unit.state);
    }

    private void startEnded(String name) {
        if (listener != null) {
            listener.startEnded(name);
        }
    }

    private void tell(String name, ObservedState state) {
        if (listener != null) {
            listener.changed(name, state);
        }
    }

    private static ObservedState dead(UnitFile file) {
        return new ObservedState("loaded", "inactive", "dead", 0, file.hash());
    }

    private static CompletableFuture<Void> refused(String reason) {
        return CompletableFuture.failedFuture(new UnitManagerException(reason));
    }
}
