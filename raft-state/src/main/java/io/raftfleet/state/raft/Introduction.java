package io.raftfleet.state.raft;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an engine with an empty directory does before it joins, or brings a lost cluster back: it asks the others whether they count an engine of
 * its name among the members already. If so, that one's directory is lost, and an engine without it must not vote in its name; and the
 * cluster is not lost.
 */
final class Introduction {
    private static final Logger LOG = LoggerFactory.getLogger(Introduction.class);
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private Introduction() {}

    /**
     * Asks.
     *
     * @throws StartRefusedException when the engine's id is a member's
     * @throws IOException when nobody answers
     */
    static void introduce(RaftConfig config, RatisServer server) throws IOException {
        Map<EnginePeer, Set<String>> answers = ask(config, server);
        Optional<EnginePeer> knows = knowing(answers, config.engineId());
        if (knows.isPresent()) {
            throw new StartRefusedException("Engine '" + config.engineId() + "' is a member of cluster "
                    + config.clusterId() + " already, says engine '"
                    + knows.get().id() + "', but its data directory "
                    + config.dataDir()
                    + " is empty: its votes and log are lost, and it must not vote again under this id. Choose"
                    + " a new engine id, start with join, and then: fleetctl cluster replace "
                    + config.engineId() + " NEW_ID=RAFT/GRPC/HTTP");
        }
        if (answers.isEmpty()) {
            throw new IOException("Engine '" + config.engineId() + "' is to join cluster " + config.clusterId()
                    + ", but none of "
                    + others(config).stream().map(EnginePeer::raftAddress).toList() + " answers for that"
                    + " cluster: start its engines, or correct the cluster id and peers.");
        }
    }

    /**
     * Asks, before this engine brings the cluster back alone, whether there is one still. Those that do not answer count as lost, and only
     * those are asked that {@code peers} names.
     *
     * @throws StartRefusedException when an engine runs that counts this one as a member
     */
    static void requireLost(RaftConfig config, RatisServer server) throws IOException {
        Optional<EnginePeer> knows = knowing(ask(config, server), config.engineId());
        if (knows.isPresent()) {
            throw new StartRefusedException("Engine '" + config.engineId() + "' is to bring cluster "
                    + config.clusterId() + " back alone, but engine '"
                    + knows.get().id() + "' at "
                    + knows.get().raftAddress()
                    + " runs and counts it as a member. If a majority of the engines can still be started, do not restore: move"
                    + " back what is in former-... in " + config.dataDir()
                    + " in place of engine.properties, or have the cluster replace this engine (fleetctl cluster replace). Else stop"
                    + " fleet-engine on all engines, then start it here.");
        }
    }

    private static Optional<EnginePeer> knowing(Map<EnginePeer, Set<String>> answers, String engine) {
        return answers.entrySet().stream()
                .filter(answer -> answer.getValue().contains(engine))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    private static List<EnginePeer> others(RaftConfig config) {
        return config.peers().stream()
                .filter(p -> !p.id().equals(config.engineId()))
                .toList();
    }

    /** Whom those that answer in time count as members. */
    private static Map<EnginePeer, Set<String>> ask(RaftConfig config, RatisServer server) throws IOException {
        Map<EnginePeer, CompletableFuture<Set<String>>> asked = new LinkedHashMap<>();
        others(config).forEach(p -> asked.put(p, server.peerClient().members(RatisServer.ratisPeer(p))));
        Map<EnginePeer, Set<String>> answers = new LinkedHashMap<>();
        long end = System.nanoTime() + PATIENCE.toNanos();
        for (Map.Entry<EnginePeer, CompletableFuture<Set<String>>> answer : asked.entrySet()) {
            try {
                answers.put(
                        answer.getKey(),
                        answer.getValue().get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS));
            } catch (ExecutionException | TimeoutException e) {
                LOG.info(
                        "Engine {} at {} does not answer: {}",
                        answer.getKey().id(),
                        answer.getKey().raftAddress(),
                        e.toString());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while asking the cluster's engines", e);
            }
        }
        return answers;
    }
}
