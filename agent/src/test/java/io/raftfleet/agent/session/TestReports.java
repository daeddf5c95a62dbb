package io.raftfleet.agent.session;

import io.raftfleet.proto.agent.StateReport;

/** Looks into a queue of reports from other packages' tests. */
public final class TestReports {
    private TestReports() {}

    /** What would be sent next; empty when there is nothing. */
    public static StateReport next(ReportQueue reports) {
        StateReport report = reports.next(1, 1000);
        return report == null ? StateReport.getDefaultInstance() : report;
    }
}
