package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.limits.Limits;
import io.raftfleet.unit.limits.MessageCheck;
import org.junit.jupiter.api.Test;

class ReportRecordsTest {
    private static final String MACHINE = "0123456789abcdef0123456789abcdef";

    @Test
    void longErrorsAreCutAndAllElseIsKept() {
        var report = StateReport.newBuilder().setSessionEpoch(3).setSequence(7).addGone("gone.service");
        for (int i = 0; i < 5; i++) {
            report.addStates(state("u" + i + ".service", "E".repeat(400_000)));
        }
        report.addStates(state("short.service", "short"));
        var record = ReportRecords.of(MACHINE, report.build());
        assertThat(record.getMachineId()).isEqualTo(MACHINE);
        assertThat(record.getSessionEpoch()).isEqualTo(3);
        assertThat(record.getSequence()).isEqualTo(7);
        assertThat(record.getGoneList()).containsExactly("gone.service");
        assertThat(record.getStatesList()).hasSize(6);
        assertThat(record.getStates(0).getError()).endsWith("… (cut, 400000 bytes)");
        assertThat(record.getStates(5)).isEqualTo(report.getStates(5));
        assertThat(record.getSerializedSize()).isLessThan(6 * 2048);
    }

    @Test
    void theLargestReportThatIsAllowedFits() {
        var report = StateReport.newBuilder();
        for (int i = 0; i < Limits.REPORT_STATES; i++) {
            var number = String.valueOf(i);
            report.addStates(
                    state("n".repeat(248 - number.length()) + number + ".service", "\u20ac".repeat(100_000)).toBuilder()
                            .setLoadState("bad-setting")
                            .setActiveState("deactivating")
                            .setSubState("failed-before-auto-restart")
                            .setMainPid(-1)
                            .setLaunched(true)
                            .setStartGeneration(-1));
        }
        for (int bucket = 0; bucket < 64; bucket++) {
            report.addWholeBuckets(bucket);
        }
        assertThat(MessageCheck.fault(report.build())).isNull();
        assertThat(ReportRecords.of(MACHINE, report.build()).getSerializedSize())
                .isLessThanOrEqualTo(Limits.REPORT_BYTES);
    }

    private static UnitState state(String name, String error) {
        return UnitState.newBuilder()
                .setName(name)
                .setHash(ByteString.copyFrom(new byte[20]))
                .setError(error)
                .build();
    }
}
