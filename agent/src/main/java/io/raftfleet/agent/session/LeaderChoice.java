package io.raftfleet.agent.session;

import io.raftfleet.proto.agent.FindLeaderResponse;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which of the engines that answered a machine follows: the highest term that says {@code leading}, never one below the term
 * that it has seen, never another cluster's.
 *
 * @param address where the leader is, null when there is none to follow
 * @param term of the leader that is followed
 * @param refused why an engine that leads is not followed, null when there is no such engine
 */
record LeaderChoice(
        @Nullable String address, long term, @Nullable String refused) {
    /** Chooses by the answers of a round. An engine outside {@code configured} may be pointed to, when none asked leads. */
    static LeaderChoice of(List<LeaderFinder.Answer> answers, ClusterMemory memory, List<String> configured) {
        String best = null;
        long bestTerm = -1;
        String refused = null;
        String hint = null;
        long hintTerm = -1;
        for (LeaderFinder.Answer answer : answers) {
            FindLeaderResponse response = answer.response();
            if (memory.foreign(response.getClusterId(), response.getIncarnation())) {
                if (response.getLeading()) {
                    refused = foreign(answer.address(), response.getClusterId(), response.getIncarnation(), memory);
                }
                continue;
            }
            if (memory.outdated(response.getIncarnation(), response.getTerm())) {
                continue;
            }
            if (response.getLeading() && response.getTerm() > bestTerm) {
                best = answer.address();
                bestTerm = response.getTerm();
            } else if (!response.getLeaderGrpc().isEmpty()
                    && !configured.contains(response.getLeaderGrpc())
                    && response.getTerm() > hintTerm) {
                hint = response.getLeaderGrpc();
                hintTerm = response.getTerm();
            }
        }
        return best != null ? new LeaderChoice(best, bestTerm, null) : new LeaderChoice(hint, hintTerm, refused);
    }

    static String foreign(String address, String clusterId, long incarnation, ClusterMemory memory) {
        return "the engine at " + address + " leads cluster " + clusterId + ", incarnation "
                + Long.toHexString(incarnation) + ", but this machine belongs to cluster " + memory.clusterId()
                + ", incarnation " + Long.toHexString(memory.incarnation())
                + "; it keeps its units running and goes on looking for its own. To make it join the other cluster,"
                + " start the agent once with --adopt-cluster";
    }
}
