package io.raftfleet.engine.session;

import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.limits.Limits;
import java.util.List;

/** What of an agent's report goes into the log: all of it, but for long errors, which are cut. */
final class ReportRecords {
    /** Errors of a report that is large all the same are cut to this, in bytes: then every report fits. */
    private static final int SHORT_ERROR = 64;

    private ReportRecords() {}

    /** A record of at most {@link Limits#REPORT_BYTES} for any report that is within its limits. */
    static StatesReported of(String machineId, StateReport report) {
        var record = StatesReported.newBuilder()
                .setMachineId(machineId)
                .setSessionEpoch(report.getSessionEpoch())
                .setSequence(report.getSequence())
                .addAllStates(withErrorsUpTo(Limits.MESSAGE_BYTES, report.getStatesList()))
                .addAllGone(report.getGoneList())
                .addAllWholeBuckets(report.getWholeBucketsList())
                .build();
        return record.getSerializedSize() <= Limits.REPORT_BYTES
                ? record
                : record.toBuilder()
                        .clearStates()
                        .addAllStates(withErrorsUpTo(SHORT_ERROR, report.getStatesList()))
                        .build();
    }

    private static List<UnitState> withErrorsUpTo(int bytes, List<UnitState> states) {
        return states.stream()
                .map(state -> {
                    var cut = SafeText.cut(state.getError(), bytes);
                    return cut.equals(state.getError())
                            ? state
                            : state.toBuilder().setError(cut).build();
                })
                .toList();
    }
}
