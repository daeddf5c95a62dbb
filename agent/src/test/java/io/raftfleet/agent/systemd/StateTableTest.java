package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.unit.UnitHash;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class StateTableTest {
    private static final String UNIT = "late.service";
    private static final String WHY = "its start took longer than its JobTimeoutSec=";

    private final StateTable table = new StateTable();

    @Test
    void whatIsWrongWithAStartIsToldUntilTheUnitIsUp() {
        table.install(UNIT, UnitHash.ofText("[Service]\nExecStart=/bin/late\n"));
        is("activating", "start-pre");
        table.notStarted(UNIT, WHY, true);
        is("activating", "start-pre");
        assertThat(error()).isEqualTo(WHY);
        is("activating", "start");
        assertThat(error()).as("a step further").isEqualTo(WHY);
        is("active", "running");
        assertThat(error()).isEmpty();
    }

    @Test
    void aStartAfterAFailureIsANewOne() {
        table.install(UNIT, UnitHash.ofText("[Service]\nExecStart=/bin/late\n"));
        is("activating", "auto-restart");
        table.notStarted(UNIT, WHY, false);
        is("activating", "start");
        assertThat(error()).isEmpty();
    }

    private void is(String active, String sub) {
        table.listed(List.of(new Systemd.ListedUnit(UNIT, "loaded", active, sub)));
    }

    private String error() {
        return Objects.requireNonNull(table.states().get(UNIT)).error();
    }
}
