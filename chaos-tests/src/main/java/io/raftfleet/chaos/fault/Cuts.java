package io.raftfleet.chaos.fault;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What a cut of a network means for a cluster. */
final class Cuts {
    private Cuts() {}

    /**
     * The hosts that a cut may stop from doing what they do, whoever led before: engines that a majority of engines, themselves
     * among them, does not hear or that don't hear one; and agents for which this holds with an engine that may lead. An agent
     * without a way to an engine that can't lead is all right: it goes to the one that does.
     *
     * @param cut who does not hear whom
     */
    static List<String> touched(List<String> engines, List<String> agents, Map<String, List<String>> cut) {
        var leaders = engines.stream()
                .filter(engine -> engines.stream()
                                        .filter(other -> talk(cut, engine, other))
                                        .count()
                                * 2
                        > engines.size())
                .toList();
        var touched = new ArrayList<String>();
        engines.stream().filter(engine -> !leaders.contains(engine)).forEach(touched::add);
        agents.stream()
                .filter(agent -> !leaders.stream().allMatch(leader -> talk(cut, agent, leader)))
                .forEach(touched::add);
        return touched;
    }

    private static boolean talk(Map<String, List<String>> cut, String one, String other) {
        return !cut.getOrDefault(one, List.of()).contains(other)
                && !cut.getOrDefault(other, List.of()).contains(one);
    }
}
