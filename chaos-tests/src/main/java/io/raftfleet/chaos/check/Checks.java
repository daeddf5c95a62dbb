package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.History;
import java.util.List;

/** All checks. */
public final class Checks {
    private static final List<Check> ALL = List.of(
            new LinearizableUnits(),
            new AcknowledgedWrites(),
            new ListPages(),
            new WatchOrder(),
            new EqualRegistries(),
            new UndisturbedUnits(),
            new HeardMachines(),
            new OneMachine(),
            new SettledStates(),
            new Expectations());

    private Checks() {}

    /** What each finds. */
    public static List<Finding> run(History history) {
        return ALL.stream().map(check -> check.check(history)).toList();
    }
}
