package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a leader counts as matched is in that follower's log. In the leader's own term nobody else makes the follower give up
 * entries, so that its log never ends before what was counted; and what was committed on the strength of it is there for good,
 * whoever leads later.
 */
public final class MatchedLogs implements Check {
    @Override
    public String promise() {
        return "what a leader counts as matched is in that follower's log";
    }

    /** Histories of format 1 may be from before logs were noted. */
    @Override
    public boolean applies(History history) {
        return history.began().format() > 1
                || history.all(Event.EngineLog.class).findAny().isPresent();
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        Map<String, Follower> followers = new HashMap<>();
        history.all(Event.EngineLog.class).forEach(log -> {
            var own = followers.get(log.engine());
            if (own != null) {
                own.compare(log, collector);
            }
            log.matched()
                    .forEach((follower, index) -> followers
                            .computeIfAbsent(follower, name -> new Follower())
                            .counted
                            .add(new Count(index, log)));
        });
        return collector.finding();
    }

    /** What a leader said of a follower. */
    private record Count(long matched, Event.EngineLog leader) {
        long committed() {
            return Math.min(matched, leader.committed());
        }
    }

    /** What leaders counted of one follower: what is newest, in order, and the most of what is older. */
    private static final class Follower {
        final ArrayDeque<Count> counted = new ArrayDeque<>();
        private final Map<Long, Count> mostByTerm = new HashMap<>();
        private Count mostCommitted = new Count(0, new Event.EngineLog(0, 0, "", 0, 0, 0, Map.of()));

        /** Compares with what leaders had said before the follower was asked. */
        void compare(Event.EngineLog log, Finding.Collector collector) {
            while (!counted.isEmpty() && counted.getFirst().leader().at() <= log.asked()) {
                var count = counted.removeFirst();
                mostByTerm.merge(
                        count.leader().term(), count, (one, other) -> one.matched() >= other.matched() ? one : other);
                mostCommitted = mostCommitted.committed() >= count.committed() ? mostCommitted : count;
            }
            var sameTerm = mostByTerm.get(log.term());
            if (sameTerm != null) {
                collector.examined(1);
                if (log.index() < sameTerm.matched()) {
                    tell(log, sameTerm, sameTerm.matched(), "", collector);
                    return;
                }
            }
            if (mostCommitted.committed() > 0) {
                collector.examined(1);
                if (log.index() < mostCommitted.committed()) {
                    tell(log, mostCommitted, mostCommitted.committed(), "committed ", collector);
                }
            }
        }

        private static void tell(
                Event.EngineLog log, Count count, long index, String what, Finding.Collector collector) {
            collector.violation(new Violation(
                    log.engine() + " holds entries up to " + log.index() + ", though "
                            + count.leader().engine()
                            + ", leader of term " + count.leader().term() + ", had counted its " + what
                            + "ones up to " + index,
                    log.at(),
                    List.of(count.leader(), log)));
        }
    }
}
