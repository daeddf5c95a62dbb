package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.History;
import java.util.List;

/** All checks. */
public final class Checks {
    private static final List<Check> ALL = List.of(
            new LinearizableUnits(),
            new LinearizableMetadata(),
            new AcknowledgedWrites(),
            new UnitReads(),
            new ListPages(),
            new FreshLists(),
            new HttpPages(),
            new WatchOrder(),
            new EqualRegistries(),
            new MatchedLogs(),
            new UndisturbedUnits(),
            new HeardMachines(),
            new OneMachine(),
            new FencedUnits(),
            new SettledStates(),
            new EqualMirror(),
            new Expectations());

    private Checks() {}

    /** What each finds, of those that are about something in this campaign. */
    public static List<Finding> run(History history) {
        return ALL.stream()
                .filter(check -> check.applies(history))
                .map(check -> check.check(history))
                .toList();
    }
}
