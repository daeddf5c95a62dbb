package io.raftfleet.chaos.campaign;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.cluster.NotInTimeException;
import io.raftfleet.chaos.fault.Fault;
import io.raftfleet.chaos.fault.FaultSource;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.proto.cluster.EngineRole;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Injects faults round by round: one or several at once, for a while, then waits until all is back. What a round draws depends on
 * the seed and its number alone. Used by one thread.
 */
final class Rounds {
    private static final Duration READY_LIMIT = Duration.ofSeconds(60);
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(2);
    /** Rounds in a row after which the cluster does not come back. */
    private static final int HOPELESS = 3;

    private record Active(long id, String kind, Fault fault) {}

    private final Cluster cluster;
    private final Recorder recorder;
    private final List<FaultSource> sources;
    private final long seed;
    private final boolean combined;
    private final Duration longHold;
    private final Consumer<String> progress;
    private final Map<String, Integer> injected = new TreeMap<>();
    private long lastFault;
    private int notBack;

    /** @param longHold after which a machine that is away is lost */
    Rounds(
            Cluster cluster,
            Recorder recorder,
            List<FaultSource> sources,
            long seed,
            boolean combined,
            Duration longHold,
            Consumer<String> progress) {
        this.cluster = cluster;
        this.recorder = recorder;
        this.sources = sources;
        this.seed = seed;
        this.combined = combined;
        this.longHold = longHold;
        this.progress = progress;
    }

    /** How many faults of each kind there were. */
    Map<String, Integer> injected() {
        return injected;
    }

    /** Whether the cluster stays away whatever is taken back, so that more faults would show nothing. */
    boolean hopeless() {
        return notBack >= HOPELESS;
    }

    void round(int number) throws InterruptedException {
        var random = new Random(seed * 1_000_003 + number);
        var active = new ArrayList<Active>();
        var told = new ArrayList<String>();
        try {
            int dice = random.nextInt(10);
            int count = !combined || dice < 4 ? 1 : dice < 8 ? 2 : 3;
            for (int i = 0; i < count; i++) {
                // In turn first, so that each kind comes up soon; then any.
                var source = sources.get(i == 0 ? (number - 1) % sources.size() : random.nextInt(sources.size()));
                var fault = source.draw(random);
                if (disjoint(fault, active)) {
                    active.add(begin(source.kind(), fault));
                    told.add(source.kind() + " (" + fault.detail() + ")");
                    TimeUnit.MILLISECONDS.sleep(random.nextInt(400));
                }
            }
            TimeUnit.MILLISECONDS.sleep(hold(random, active));
        } finally {
            active.reversed().forEach(this::end);
        }
        long ended = recorder.now();
        boolean back = awaitReady(active);
        notBack = back ? 0 : notBack + 1;
        progress.accept(String.join(" + ", told) + (back ? ": back after " : ": NOT BACK after ")
                + TimeUnit.NANOSECONDS.toMillis(recorder.now() - ended) + " ms");
        TimeUnit.MILLISECONDS.sleep(300 + random.nextInt(700));
    }

    private long hold(Random random, List<Active> active) {
        boolean agents = active.stream()
                .flatMap(fault -> fault.fault().hosts().stream())
                .anyMatch(host ->
                        cluster.agents().stream().anyMatch(agent -> agent.name().equals(host)));
        long hold = 300L + random.nextInt(2_000);
        return random.nextInt(6) == 0 && agents ? longHold.toMillis() : hold;
    }

    private static boolean disjoint(Fault fault, List<Active> active) {
        var busy = new HashSet<String>();
        active.forEach(other -> busy.addAll(other.fault().processes()));
        return fault.processes().stream().noneMatch(busy::contains);
    }

    private Active begin(String kind, Fault fault) {
        long id = ++lastFault;
        var active = new Active(id, kind, fault);
        recorder.add(new Event.FaultBegan(recorder.now(), id, kind, fault.hosts(), fault.detail()));
        injected.merge(kind, 1, Integer::sum);
        try {
            fault.begin(expectation(id));
        } catch (RuntimeException e) {
            recorder.add(new Event.Expected(
                    recorder.now(), id, "the fault " + kind + " can be injected", false, String.valueOf(e)));
        }
        return active;
    }

    private void end(Active active) {
        try {
            active.fault().end(expectation(active.id()));
        } catch (RuntimeException e) {
            recorder.add(new Event.Expected(
                    recorder.now(),
                    active.id(),
                    "the fault " + active.kind() + " can be taken back",
                    false,
                    String.valueOf(e)));
        }
        recorder.add(new Event.FaultEnded(recorder.now(), active.id()));
    }

    private Fault.Expectation expectation(long id) {
        return (what, met, evidence) -> recorder.add(new Event.Expected(recorder.now(), id, what, met, evidence));
    }

    private static boolean knowsLeader(EngineNode engine) {
        try {
            return engine.daemon().running()
                    && engine.status(ANSWER_LIMIT).getEnginesList().stream()
                            .anyMatch(e -> e.getRole() == EngineRole.ENGINE_ROLE_LEADER);
        } catch (StatusRuntimeException e) {
            return false;
        }
    }

    /** Waits until all engines and agents are back by themselves; starts anew those that are not, and says so. */
    private boolean awaitReady(List<Active> after) {
        long id = after.isEmpty() ? lastFault : after.getFirst().id();
        boolean back = false;
        var evidence = "";
        try {
            cluster.awaitReady(READY_LIMIT);
            back = true;
        } catch (NotInTimeException | AssertionError e) {
            evidence = String.valueOf(e.getMessage());
        }
        recorder.add(new Event.Expected(
                recorder.now(),
                id,
                "all engines and agents are back within " + READY_LIMIT.toSeconds() + " s",
                back,
                evidence));
        if (!back) {
            cluster.engines().stream().filter(engine -> !knowsLeader(engine)).forEach(engine -> {
                if (engine.daemon().running()) {
                    engine.kill();
                }
                engine.start();
            });
            cluster.agents().stream().filter(agent -> !agent.daemon().running()).forEach(agent -> agent.start());
        }
        return back;
    }
}
