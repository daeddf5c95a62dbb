package io.raftfleet.engine.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.engine.control.Urgency;
import io.raftfleet.proto.agent.StateReport;

/**
 * How urgent the reports of one session are, by what its agent says is under way. A machine that starts many units says something new all
 * the time, and whoever started them waits for the last; what ends, or fails, others may be waiting for. Guarded by itself.
 */
final class ReportPace {
    /** So many units, or states of them, are many: an entry of the log costs little for each of these. */
    static final int MANY = 32;

    /** States reported since the agent began to say that something is under way, at most {@link #MANY}; 0 while nothing is. */
    @GuardedBy("this")
    private int reported;

    /** Of the session's next report. */
    synchronized Urgency next(StateReport report) {
        if (report.getUnderWay() > 0) {
            reported = Math.min(MANY, reported + report.getStatesCount() + report.getGoneCount());
            return report.getUnderWay() >= MANY && !endsSomething(report) ? Urgency.LATER : Urgency.SOON;
        }
        boolean endsMany = reported >= MANY;
        reported = 0;
        return endsMany ? Urgency.PROMPT : Urgency.SOON;
    }

    /** Whether a unit has left the machine or failed. */
    private static boolean endsSomething(StateReport report) {
        return report.getGoneCount() > 0
                || report.getStatesList().stream()
                        .anyMatch(state -> state.getActiveState().equals("failed") && !state.getPending());
    }
}
