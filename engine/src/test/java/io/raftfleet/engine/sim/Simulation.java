package io.raftfleet.engine.sim;

import io.raftfleet.engine.server.SimulatedEngine;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.EnginePeer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A cluster with faults for a while and without for the rest, all drawn from a seed. Everything runs on the caller's thread but
 * the engines' decisions, and those only while that thread waits for them: the same seed gives the same run.
 */
final class Simulation implements AutoCloseable {
    private static final int MACHINES = 4;
    private static final Duration TROUBLE = Duration.ofSeconds(30);
    private static final Duration SHORT_TROUBLE = Duration.ofSeconds(15);
    private static final Duration STEP = Duration.ofSeconds(1);
    /** Units whose step failed are tried again after 30 s at most. */
    private static final int MOST_STEPS = 120;

    private static final AtomicInteger RUNS = new AtomicInteger();

    private final int run = RUNS.incrementAndGet();
    private final SplittableRandom random;
    private final Agenda agenda;
    private final Network network;
    private final SimLog log;
    private final Invariants invariants;
    private final Registry truth = new Registry(1 << 16);
    private final Map<String, SimMachine> machines = new LinkedHashMap<>();
    private final List<OldCopy> copies = new ArrayList<>();
    private final SimProcess director;
    private final SimClient client;
    private SimWatcher watcher;
    private int processes;
    private int restarts;
    private boolean trouble = true;
    private String drained = "";

    Simulation(long seed) {
        random = new SplittableRandom(seed);
        agenda = new Agenda(random.split());
        invariants = new Invariants(truth, machines, agenda::nanos, this::ledUntil);
        network = new Network(random.split(), invariants);
        log = new SimLog(random.split(), agenda::nanos, truth, invariants::committed);
        director = process();
        for (int number = 1; number <= 3; number++) {
            var peer = new EnginePeer("e" + number, "raft" + number, "e" + number, "http" + number);
            start(log.node(peer));
        }
        client = new SimClient(this, random.split(), invariants::violated);
        log.elect(log.nodes().getFirst(), Duration.ofMillis(1));
        run(STEP);
        watcher = new SimWatcher(this, random.split(), truth.read(RegistryView::revision), invariants::violated);
        watcher.open();
        for (int number = 1; number <= MACHINES; number++) {
            var machine = new SimMachine(this, number, random.split(), invariants::violated);
            machines.put(machine.id(), machine);
            machine.startAgent();
        }
    }

    Agenda agenda() {
        return agenda;
    }

    Network network() {
        return network;
    }

    SimLog log() {
        return log;
    }

    SimClient client() {
        return client;
    }

    SimWatcher watcher() {
        return watcher;
    }

    /** What is committed. */
    Registry truth() {
        return truth;
    }

    Invariants invariants() {
        return invariants;
    }

    private long ledUntil(String address) {
        return log.ledUntil(address);
    }

    /** How many units ran elsewhere than the backup had them, when it was restored. */
    int moved() {
        return invariants.moved();
    }

    /** How many machines were lost in it. */
    int lost() {
        return invariants.lost();
    }

    List<String> addresses() {
        return log.nodes().stream().map(node -> node.peer().grpcAddress()).toList();
    }

    SimProcess process() {
        return new SimProcess(agenda, ++processes, random.split());
    }

    /** Runs it to its end; returns what did not hold. */
    List<String> check() {
        schedule();
        run(TROUBLE);
        calm();
        orderInTheEnd();
        return settled();
    }

    /** The same, but after some trouble all engines lose their disks, and a backup is restored that was made on the way. */
    List<String> checkRestored() {
        schedule();
        run(SHORT_TROUBLE);
        var backup = truth.read(SimBackup::of);
        run(SHORT_TROUBLE);
        calm();
        restore(backup);
        return settled();
    }

    private void restore(SimBackup backup) {
        log.nodes().forEach(this::kill);
        network.breakCalls("watcher");
        watcher.stop();
        run(STEP); // What agents had begun is done.
        for (var machine : machines.values()) {
            if (random.nextInt(3) == 0) {
                machine.killAgent();
                director.after(aWhile(20), machine::startAgent);
            }
        }
        log.begin(backup.entries());
        client.undone(backup.wanted());
        machines.values().forEach(SimMachine::registryRestored);
        invariants.restored();
        watcher = new SimWatcher(this, random.split(), truth.read(RegistryView::revision), invariants::violated);
        watcher.know(backup.wanted().keySet());
        log.nodes().forEach(this::start);
        elect();
        watcher.open();
        for (int i = 0; i < 4; i++) {
            director.after(aWhile(8), this::anotherLeader);
            director.after(aWhile(8), () -> network.breakCalls(machine().id()));
        }
        run(Duration.ofSeconds(20)); // All agents are back by then.
    }

    private List<String> settled() {
        var open = List.of("nothing has run");
        for (int step = 0;
                step < MOST_STEPS && !open.isEmpty() && invariants.violations().isEmpty();
                step++) {
            run(STEP);
            open = invariants.unsettled(this);
        }
        var all = new ArrayList<>(invariants.violations());
        all.addAll(open);
        agenda.faults().forEach(fault -> all.add("a task failed: " + fault));
        return all;
    }

    /** Time passes. Decision threads go on between tasks, until they have done all they can. */
    private void run(Duration time) {
        agenda.run(time, task -> {
            var engines = log.nodes().stream()
                    .map(SimLog.Node::engine)
                    .filter(Objects::nonNull)
                    .toList();
            engines.forEach(engine -> engine.decisions().hold());
            try {
                task.run();
            } finally {
                engines.forEach(engine -> engine.decisions().release());
            }
            rest();
            for (var answer = log.nextAnswer(); answer != null; answer = log.nextAnswer()) {
                answer.run();
                rest();
            }
        });
    }

    private void rest() {
        for (var node : log.nodes()) {
            var engine = node.engine();
            for (int spins = 0;
                    engine != null && !node.proposing() && !engine.decisions().waits();
                    spins++) {
                if (spins < 100) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(20_000);
                }
            }
        }
    }

    private void start(SimLog.Node node) {
        var process = process();
        var name = "sim-" + run + "-" + node.peer().id() + "-" + ++restarts;
        var engine = new SimulatedEngine(
                node.peer(),
                name,
                node,
                process.executor(),
                process.wire(),
                agenda::nanos,
                agenda::millis,
                random.split(),
                address -> network.channel(node.peer().id(), process, address));
        node.started(process, engine);
        engine.start();
        network.up(node.peer().grpcAddress(), name, process);
    }

    private void kill(SimLog.Node node) {
        var engine = node.engine();
        var process = node.process();
        if (engine != null && process != null) {
            network.down(node.peer().grpcAddress());
            network.breakCalls(node.peer().id());
            process.kill();
            node.stopped();
            engine.kill();
        }
    }

    // --- Trouble ---------------------------------------------------------------------------------------------------

    private void schedule() {
        director.after(Duration.ofNanos(random.nextLong(400_000_000)), () -> {
            if (trouble) {
                act();
                schedule();
            }
        });
    }

    private void act() {
        int dice = random.nextInt(100);
        if (dice < 54) {
            client.act();
        } else if (dice < 60) {
            order();
        } else if (dice < 67) {
            network.breakCalls(machine().id());
        } else if (dice < 70) {
            lateFrames();
        } else if (dice < 75) {
            cutOff();
        } else if (dice < 76) {
            anOldCopyAnswers();
        } else if (dice < 80) {
            restartAgent();
        } else if (dice < 83) {
            reboot();
        } else if (dice < 87) {
            pauseAgent();
        } else if (dice < 89) {
            pauseEngine();
        } else if (dice < 96) {
            anotherLeader();
        } else {
            restartEngine();
        }
    }

    /** Machines are cordoned, drained and uncordoned. */
    private void order() {
        var kind = switch (random.nextInt(4)) {
            case 0 -> MachineOrder.Kind.KIND_CORDON;
            case 1 -> MachineOrder.Kind.KIND_DRAIN;
            default -> MachineOrder.Kind.KIND_UNCORDON;
        };
        client.order(machine().id(), kind, 1 + random.nextInt(3));
    }

    /** In the end one machine is drained, and the others take units. */
    private void orderInTheEnd() {
        var all = List.copyOf(machines.keySet());
        for (int i = 0; i < 3; i++) { // Writes of before may still be under way.
            all.forEach(id -> client.order(
                    id, id.equals(all.getLast()) ? MachineOrder.Kind.KIND_DRAIN : MachineOrder.Kind.KIND_UNCORDON, 1));
            run(Duration.ofSeconds(10));
        }
        drained = all.getLast();
    }

    /** Id of the machine that is drained in the end; empty for none. */
    String drained() {
        return drained;
    }

    private SimMachine machine() {
        return List.copyOf(machines.values()).get(random.nextInt(MACHINES));
    }

    private SimLog.Node node() {
        return log.nodes().get(random.nextInt(log.nodes().size()));
    }

    /** A while, mostly short. */
    private Duration aWhile(int seconds) {
        long most = random.nextBoolean() ? 1_000_000_000L : seconds * 1_000_000_000L;
        return Duration.ofNanos(random.nextLong(most));
    }

    private void cutOff() {
        var id = machine().id();
        var whom = random.nextBoolean() ? addresses() : List.of(node().peer().grpcAddress());
        whom.forEach(address -> network.cut(id, address));
        director.after(aWhile(15), () -> whom.forEach(address -> network.heal(id, address)));
    }

    /** What an agent sends is taken up when its connections have broken, perhaps when it has opened another session. */
    private void lateFrames() {
        var id = machine().id();
        network.delay(id);
        director.after(aWhile(2), () -> network.breakLate(id, Duration.ofMillis(100 + random.nextInt(2000))));
    }

    /** At an engine's address somebody answers who led once, from a copy of what the cluster was then; perhaps nobody else does. */
    private void anOldCopyAnswers() {
        var id = machine().id();
        long term = invariants.term(id) - 1;
        if (term < 1) {
            return;
        }
        var address = node().peer().grpcAddress();
        var copy = new OldCopy(
                "sim-" + run + "-copy-" + ++restarts, address, term, truth.read(RegistryView::incarnation), process());
        copies.add(copy);
        network.divert(id, address, copy.name());
        var others = random.nextBoolean()
                ? addresses().stream().filter(other -> !other.equals(address)).toList()
                : List.<String>of();
        others.forEach(other -> network.cut(id, other));
        director.after(aWhile(15), () -> {
            network.undivert(id, address);
            others.forEach(other -> network.heal(id, other));
        });
    }

    private void restartAgent() {
        var machine = machine();
        machine.killAgent();
        director.after(aWhile(10), () -> {
            if (machine.agent() == null) {
                machine.startAgent();
            }
        });
    }

    private void reboot() {
        var machine = machine();
        machine.reboot();
        director.after(aWhile(20), () -> {
            if (machine.agent() == null) {
                machine.startAgent();
            }
        });
    }

    private void pauseAgent() {
        var agent = machine().agent();
        if (agent != null) {
            agent.pause(aWhile(10));
        }
    }

    private void pauseEngine() {
        var node = node();
        var process = node.process();
        if (process != null) {
            process.pause(aWhile(8));
            director.after(Duration.ofSeconds(1), () -> {
                if (log.leader() == node && process.pausedUntil() > agenda.nanos()) {
                    electAnother(node);
                }
            });
        }
    }

    private void anotherLeader() {
        var next = node();
        if (next.engine() != null) {
            log.elect(next, random.nextBoolean() ? Duration.ofMillis(20) : Duration.ofSeconds(5));
        }
    }

    private void restartEngine() {
        if (log.nodes().stream().anyMatch(node -> node.engine() == null)) {
            return; // The others need each other.
        }
        var node = node();
        kill(node);
        director.after(Duration.ofMillis(200 + random.nextInt(300)), this::elect);
        director.after(aWhile(8), () -> start(node));
    }

    private void elect() {
        if (log.leader() == null) {
            electAnother(null);
        }
    }

    private void electAnother(SimLog.@Nullable Node old) {
        var others = log.nodes().stream()
                .filter(node -> node.engine() != null && node != old)
                .toList();
        log.elect(others.get(random.nextInt(others.size())), Duration.ofMillis(20));
    }

    /** No more faults; what is down comes back. */
    private void calm() {
        trouble = false;
        agenda.calm();
        network.calm();
        log.calm();
        run(Duration.ofSeconds(20)); // What was to be healed or started later is by then.
        network.calm();
        elect();
        machines.values().stream().filter(machine -> machine.agent() == null).forEach(SimMachine::startAgent);
    }

    @Override
    public void close() {
        machines.values().forEach(SimMachine::killAgent);
        log.nodes().forEach(this::kill);
        copies.forEach(OldCopy::close);
        network.close();
    }
}
