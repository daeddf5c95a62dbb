package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.engine.control.Urgency;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.model.UnitState;
import org.junit.jupiter.api.Test;

class ReportPaceTest {
    private final ReportPace pace = new ReportPace();

    private Urgency report(int states, int underWay) {
        var report = StateReport.newBuilder().setUnderWay(underWay);
        for (int i = 0; i < states; i++) {
            report.addStates(UnitState.newBuilder().setActiveState("active"));
        }
        return pace.next(report.build());
    }

    @Test
    void whatManyUnitsSayOnTheirWayMayWaitAndWithWhatItEndsDoesNot() {
        assertThat(report(100, 100)).isEqualTo(Urgency.LATER);
        assertThat(report(50, 60)).isEqualTo(Urgency.LATER);
        assertThat(report(40, 20)).as("few are left").isEqualTo(Urgency.SOON);
        assertThat(report(20, 0)).isEqualTo(Urgency.PROMPT);
        assertThat(report(1, 0)).as("after that").isEqualTo(Urgency.SOON);
    }

    @Test
    void oneUnitAfterTheOtherHurriesNobody() {
        for (int i = 0; i < 1000; i++) {
            assertThat(report(1, 1)).isEqualTo(Urgency.SOON);
            assertThat(report(1, 0)).isEqualTo(Urgency.SOON);
        }
    }

    @Test
    void fewAtATimeAreNeverMany() {
        for (int i = 0; i < 2 * ReportPace.MANY; i++) {
            assertThat(report(1, ReportPace.MANY - 1)).isEqualTo(Urgency.SOON);
        }
        assertThat(report(1, 0)).isEqualTo(Urgency.SOON);
    }

    @Test
    void anEarlierAgentSaysNothingOfThat() {
        assertThat(report(500, 0)).isEqualTo(Urgency.SOON);
        assertThat(report(500, 0)).isEqualTo(Urgency.SOON);
    }

    @Test
    void whatEndsOrFailsIsNotHeldBack() {
        var gone = StateReport.newBuilder().setUnderWay(40).addGone("a.service").build();
        assertThat(pace.next(gone)).isEqualTo(Urgency.SOON);
        var state = UnitState.newBuilder().setActiveState("inactive");
        var failed = StateReport.newBuilder().setUnderWay(40).addStates(state);
        assertThat(pace.next(failed.build())).isEqualTo(Urgency.SOON);
        var failedBefore = StateReport.newBuilder().setUnderWay(40).addStates(state.setPending(true));
        assertThat(pace.next(failedBefore.build()))
                .as("and is about to be started")
                .isEqualTo(Urgency.LATER);
    }

    @Test
    void unitsThatGoCount() {
        var going = StateReport.newBuilder().setUnderWay(40);
        for (int i = 0; i < 40; i++) {
            going.addGone("u" + i + ".service");
        }
        assertThat(pace.next(going.build())).isEqualTo(Urgency.SOON);
        assertThat(report(0, 0)).isEqualTo(Urgency.PROMPT);
    }
}
