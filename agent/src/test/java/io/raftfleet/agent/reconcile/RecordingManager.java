package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.hollow.HollowUnitManager;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.UnitFile;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A hollow machine that remembers what it was ordered, and can be made to fail at what units' files can't ask for. */
final class RecordingManager implements UnitManager {
    final HollowUnitManager machine;
    private final Loop loop;
    final List<String> orders = new ArrayList<>();
    final Set<String> uninstallable = new HashSet<>();
    /** Units whose starts were announced with their files. */
    final Set<String> announced = new TreeSet<>();
    /** Units that were said to have been started before, with their files. */
    final Set<String> startedBefore = new TreeSet<>();
    /** Can't be taken away. */
    final Set<String> stuck = new HashSet<>();

    /** Starts reach nobody, and nothing is heard of them. */
    boolean unheard;

    /** What starts end with instead; they do nothing then. */
    @Nullable
    CompletableFuture<Void> startsLast;

    /** Stops take for ever. */
    boolean stopsLast;

    Runnable onClose = () -> {};

    /** What happens on the machine once the next stop is over and told. */
    @Nullable
    Runnable afterStop;

    int notReachable;
    int unreadable;
    String bootId;

    @Nullable
    Listener listener;

    RecordingManager(Loop loop) {
        this.loop = loop;
        this.bootId = "b".repeat(32);
        this.machine = new HollowUnitManager(loop, bootId, Clock.systemUTC());
    }

    List<String> takeOrders() {
        List<String> taken = List.copyOf(orders);
        orders.clear();
        return taken;
    }

    @Override
    public Map<String, UnitFile> installed() {
        return machine.installed();
    }

    @Override
    public CompletableFuture<Void> install(Map<String, UnitFile> files, Set<String> toStart) {
        orders.add("install " + String.join(" ", new TreeSet<>(files.keySet())));
        announced.addAll(toStart);
        for (String name : files.keySet()) {
            if (uninstallable.contains(name)) {
                return CompletableFuture.failedFuture(new UnitManagerException(name + ": no space left"));
            }
        }
        return machine.install(files, toStart);
    }

    @Override
    public CompletableFuture<Void> install(Map<String, UnitFile> files, Set<String> toStart, Set<String> ours) {
        startedBefore.addAll(ours);
        return install(files, toStart);
    }

    @Override
    public CompletableFuture<Void> start(String name) {
        orders.add("start " + name);
        if (notReachable > 0) {
            notReachable--;
            return CompletableFuture.failedFuture(
                    UnitManagerException.notIssued("no connection to systemd", new IllegalStateException()));
        }
        if (startsLast != null) {
            return startsLast;
        }
        return unheard ? new CompletableFuture<>() : machine.start(name);
    }

    @Override
    public CompletableFuture<Void> stop(String name) {
        orders.add("stop " + name);
        if (stopsLast) {
            return new CompletableFuture<>();
        }
        Runnable then = afterStop;
        afterStop = null;
        if (then == null) {
            return machine.stop(name);
        }
        var told = new CompletableFuture<Void>();
        var unused = machine.stop(name)
                .thenRun(() -> loop.execute(() -> {
                    told.complete(null);
                    then.run();
                }));
        return told;
    }

    @Override
    public CompletableFuture<Void> uninstall(Collection<String> names) {
        orders.add("uninstall " + String.join(" ", new TreeSet<>(names)));
        Map<String, String> kept = new TreeMap<>();
        names.stream().filter(stuck::contains).forEach(name -> kept.put(name, "the disk has no " + name));
        return machine.uninstall(
                        names.stream().filter(name -> !kept.containsKey(name)).toList())
                .thenCompose(done -> kept.isEmpty()
                        ? CompletableFuture.<Void>completedFuture(null)
                        : CompletableFuture.failedFuture(UnitManagerException.ofUnits(kept)));
    }

    @Override
    public CompletableFuture<Void> answers() {
        return machine.answers();
    }

    @Override
    public void renewLease(long untilNanos) {
        machine.renewLease(untilNanos);
    }

    @Override
    public CompletableFuture<Set<String>> stoppedByFence() {
        return machine.stoppedByFence();
    }

    @Override
    public CompletableFuture<Map<String, ObservedState>> states() {
        if (unreadable > 0) {
            unreadable--;
            return CompletableFuture.failedFuture(new UnitManagerException("no connection to systemd"));
        }
        return machine.states();
    }

    @Override
    public void subscribe(Listener listener) {
        this.listener = listener;
        machine.subscribe(listener);
    }

    @Override
    public String bootId() {
        return bootId;
    }

    @Override
    public void close() {
        onClose.run();
        machine.close();
    }
}
