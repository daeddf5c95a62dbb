package io.raftfleet.state.raft;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an engine with an empty directory does before it joins: it asks the others whether they count an engine of its name
 * among the members already. If so, that one's directory is lost, and an engine without it must not vote in its name.
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
        Map<EnginePeer, CompletableFuture<Set<String>>> answers = new LinkedHashMap<>();
        List<EnginePeer> others = config.peers().stream()
                .filter(p -> !p.id().equals(config.engineId()))
                .toList();
        others.forEach(p -> answers.put(p, server.peerClient().members(RatisServer.ratisPeer(p))));
        long end = System.nanoTime() + PATIENCE.toNanos();
        boolean answered = false;
        for (Map.Entry<EnginePeer, CompletableFuture<Set<String>>> answer : answers.entrySet()) {
            try {
                Set<String> members = answer.getValue().get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
                answered = true;
                if (members.contains(config.engineId())) {
                    throw new StartRefusedException("Engine '" + config.engineId() + "' is a member of cluster "
                            + config.clusterId() + " already, says engine '"
                            + answer.getKey().id() + "', but its data directory " + config.dataDir()
                            + " is empty: its votes and log are lost, and it must not vote again under this id. Choose"
                            + " a new engine id, start with join, and then: fleetctl cluster replace "
                            + config.engineId() + " NEW_ID=RAFT/GRPC/HTTP");
                }
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
        if (!answered) {
            throw new IOException("Engine '" + config.engineId() + "' is to join cluster " + config.clusterId()
                    + ", but none of "
                    + others.stream().map(EnginePeer::raftAddress).toList() + " answers for that"
                    + " cluster: start its engines, or correct the cluster id and peers.");
        }
    }
}
