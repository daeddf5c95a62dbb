package io.raftfleet.chaos.campaign;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.proto.cluster.EngineRole;
import io.raftfleet.proto.cluster.StatusResponse;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Notes who leads, what each engine's registry is and where its log ends, several times a second. */
final class EngineObserver implements AutoCloseable {
    private static final int EVERY_MS = 250;
    private static final Duration ANSWER_LIMIT = Duration.ofMillis(500);

    private final Recorder recorder;
    private final ScheduledExecutorService timer;
    private volatile String leader = "nobody";

    EngineObserver(Recorder recorder, List<EngineNode> engines) {
        this.recorder = recorder;
        this.timer = Executors.newScheduledThreadPool(engines.size());
        for (var engine : engines) {
            var unused = timer.scheduleWithFixedDelay(new Poll(engine), 0, EVERY_MS, TimeUnit.MILLISECONDS);
        }
    }

    /** Who led last. */
    String leader() {
        return leader;
    }

    /** Asks one engine. Used by one thread at a time. */
    private final class Poll implements Runnable {
        private final EngineNode engine;
        private long index = -1;
        private long ledTerm = -1;
        private String log = "";

        Poll(EngineNode engine) {
            this.engine = engine;
        }

        @Override
        public void run() {
            try {
                if (engine.daemon().running()) {
                    long asked = recorder.now();
                    note(asked, engine.status(ANSWER_LIMIT));
                }
            } catch (StatusRuntimeException e) {
                // It is under a fault; the next time, perhaps.
            }
        }

        private void note(long asked, StatusResponse status) {
            if (status.getSelf().getRole() != EngineRole.ENGINE_ROLE_CLOSED) {
                noteLog(asked, status);
            }
            if (status.getSelf().getRole() == EngineRole.ENGINE_ROLE_LEADER && status.getTerm() != ledTerm) {
                ledTerm = status.getTerm();
                leader = engine.id();
                recorder.add(new Event.LeaderSeen(recorder.now(), engine.id(), ledTerm));
            }
            if (status.getAppliedIndex() != index) {
                index = status.getAppliedIndex();
                var digest = HexFormat.of().formatHex(status.getRegistryDigest().toByteArray());
                recorder.add(new Event.EngineView(recorder.now(), engine.id(), index, digest));
            }
        }

        private void noteLog(long asked, StatusResponse status) {
            Map<String, Long> matched = new TreeMap<>();
            if (status.getSelf().getRole() == EngineRole.ENGINE_ROLE_LEADER) {
                status.getEnginesList().stream()
                        .filter(other -> !other.getId().equals(engine.id()) && other.getMatchIndex() > 0)
                        .forEach(other -> matched.put(other.getId(), other.getMatchIndex()));
            }
            var event = new Event.EngineLog(
                    recorder.now(),
                    asked,
                    engine.id(),
                    status.getTerm(),
                    status.getCommitIndex(),
                    Math.max(status.getLogIndex(), status.getSnapshotIndex()),
                    matched);
            var seen = event.term() + " " + event.committed() + " " + event.index() + " " + matched;
            if (!seen.equals(log)) {
                log = seen;
                recorder.add(event);
            }
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
