package io.raftfleet.engine.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.engine.control.Urgency;
import io.raftfleet.proto.agent.StateReport;

/**
 * How urgent the reports of one session are, by what its agent says is under way. A machine that starts many units says something new all
 * the time, and whoever started them waits for the last; for a unit that has left, or is down, others may be waiting. Guarded by itself.
 */
final class ReportPace {
    /** So many units under way are many: an entry of the log costs little for each of these. */
    static final int MANY = 32;

    /** Whether many were under way since nothing was. */
    @GuardedBy("this")
    private boolean many;

    /** Of the session's next report. */
    synchronized Urgency next(StateReport report) {
        if (report.getUnderWay() > 0) {
            boolean manyNow = report.getUnderWay() >= MANY;
            many |= manyNow;
            return manyNow && !endsSomething(report) ? Urgency.LATER : Urgency.SOON;
        }
        boolean endsMany = many;
        many = false;
        return endsMany ? Urgency.PROMPT : Urgency.SOON;
    }

    /** Whether a unit has left the machine, or is down and stays it. */
    private static boolean endsSomething(StateReport report) {
        return report.getGoneCount() > 0
                || report.getStatesList().stream()
                        .anyMatch(state ->
                                !state.getPending() && !state.getActiveState().equals("active"));
    }
}
