package io.raftfleet.engine.session;

import io.raftfleet.engine.control.Controller;
import io.raftfleet.state.Change;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The machines of a restored registry that have yet to tell what they run: takes what they tell, ends the wait for those that do not, and
 * says in the log for whom starts wait. Has no state: who is awaited is the registry's to say.
 */
final class AwaitedMachines {
    private static final Logger log = LoggerFactory.getLogger(AwaitedMachines.class);
    /** Machines in one line of the log. */
    private static final int MOST_NAMED = 20;

    private final Registry registry;
    private final Controller controller;

    AwaitedMachines(Registry registry, Controller controller) {
        this.registry = registry;
        this.controller = controller;
    }

    /** A term begins. */
    void begin(Duration grace) {
        var awaited = registry.read(RegistryView::awaited);
        if (!awaited.isEmpty()) {
            log.warn(
                    "starts wait until {} machines of the restored registry have told what they run, or {} are over: {}",
                    awaited.size(),
                    grace,
                    awaited.stream().map(MachineRecord::id).limit(MOST_NAMED).toList());
        }
    }

    /**
     * A machine has told all that it has; of no effect while none is awaited.
     *
     * @param held names of its inventory that the answer held back
     * @return completes once what follows is committed
     */
    CompletableFuture<Void> told(String machineId, long epoch, Collection<String> held) {
        var found = registry.read(view -> found(view, machineId, held));
        return found == null
                ? CompletableFuture.completedFuture(null)
                : controller.told(machineId, epoch, List.copyOf(found));
    }

    /** Units that a machine has and is not to have; null when none is awaited. */
    private static @Nullable Set<String> found(RegistryView view, String machineId, Collection<String> held) {
        var machine = view.machine(machineId);
        if (machine == null || view.awaitedMachines() == 0) {
            return null;
        }
        var found = new TreeSet<>(held);
        view.statesOn(machineId).values().forEach(state -> found.add(state.name()));
        found.removeIf(name -> {
            var unit = view.unit(name);
            return unit == null || view.assigned(unit, machine);
        });
        return found;
    }

    /** Machines that are in session and have not told in time are waited for no longer; others are lost. */
    void giveUp(Duration grace) {
        for (var machine : registry.read(RegistryView::awaited)) {
            if (machine.sessionEpoch() > 0) {
                log.warn(
                        "machine {} at {} has not told what it runs in {} since this engine leads: starts wait for it no longer",
                        machine.id(),
                        machine.primaryIp(),
                        grace);
                var unused = controller.told(machine.id(), machine.sessionEpoch(), List.of());
            }
        }
    }

    /** For operators: how it goes on. */
    void say(List<Change> changes) {
        for (var change : changes) {
            if (change instanceof Change.OfMachine machine && endsWait(machine)) {
                var after = machine.after();
                int left = registry.read(RegistryView::awaitedMachines);
                log.info(
                        "machine {} {}; {}",
                        after.id(),
                        after.present() ? "has told what it runs" : "is awaited no longer",
                        left == 0
                                ? "starts wait no longer for machines of the restored registry"
                                : "starts wait for " + left + " more");
            }
        }
    }

    /** Whether a machine is awaited no longer by this. */
    static boolean endsWait(Change.OfMachine change) {
        var before = change.before();
        return before != null && before.awaited() && !change.after().awaited();
    }
}
