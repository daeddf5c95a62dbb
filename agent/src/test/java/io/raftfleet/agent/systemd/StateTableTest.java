package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.unit.UnitHash;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.freedesktop.dbus.types.UInt32;
import org.freedesktop.dbus.types.Variant;
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

    /** As when a start of a bad file was refused, it was looked why, and the file was replaced before systemd answered. */
    @Test
    void whatSystemdWasAskedBeforeTheFileCameSaysNothingOfIt() {
        table.install(UNIT, UnitHash.ofText("[Service]\nExecStart=bad\n"));
        var bad = List.of(new Systemd.ListedUnit(UNIT, "bad-setting", "inactive", "dead"));
        assertThat(table.listed(bad, table.installs())).isTrue();
        table.drain();
        long asked = table.installs();
        table.install(UNIT, UnitHash.ofText("[Service]\nExecStart=/bin/good\n"));

        assertThat(table.listed(bad, asked)).isFalse();

        assertThat(table.unknown()).containsExactly(UNIT);
        assertThat(table.drain()).isEmpty();
        is("inactive", "dead");
        assertThat(state().loadState()).isEqualTo("loaded");
        assertThat(table.drain()).containsKey(UNIT);
        table.uninstall(List.of(UNIT));
        long gone = table.installs();
        table.install(UNIT, UnitHash.ofText("[Service]\nExecStart=/bin/good\n"));
        assertThat(table.listed(bad, gone)).isFalse();
    }

    @Test
    void restartsAreKnownFromWhatSystemdSendsWithTheUnitsChange() throws Exception {
        table.install(UNIT, UnitHash.ofText("[Service]\nExecStart=/bin/late\n"));
        signal("Service", Map.of("MainPID", new Variant<>(new UInt32(7)), "NRestarts", new Variant<>(new UInt32(0))));
        signal("Unit", Map.of("ActiveState", new Variant<>("active"), "SubState", new Variant<>("running")));
        assertThat(state().restarts()).isZero();
        signal("Service", Map.of("MainPID", new Variant<>(new UInt32(8)), "NRestarts", new Variant<>(new UInt32(3))));
        assertThat(state().restarts()).as("before the unit's own signal").isZero();
        table.drain();
        signal("Unit", Map.of("SubState", new Variant<>("running")));
        assertThat(state()).returns(3, ObservedState::restarts).returns(8, ObservedState::mainPid);
        assertThat(table.drain()).containsKey(UNIT);
        // The bus was lost: the same process is of the same start, another one of nobody knows which.
        table.forgetDetails();
        table.mainPid(UNIT, 8);
        assertThat(state().restarts()).isEqualTo(3);
        table.forgetDetails();
        table.mainPid(UNIT, 9);
        assertThat(state().restarts()).isZero();
    }

    private void signal(String type, Map<String, Variant<?>> properties) throws Exception {
        table.changed(
                UnitPath.of(UNIT),
                new PropertyScan(PropertyScanTest.body('l', "org.freedesktop.systemd1." + type, properties)));
    }

    private ObservedState state() {
        return Objects.requireNonNull(table.states().get(UNIT));
    }

    private void is(String active, String sub) {
        table.listed(List.of(new Systemd.ListedUnit(UNIT, "loaded", active, sub)), table.installs());
    }

    private String error() {
        return Objects.requireNonNull(table.states().get(UNIT)).error();
    }
}
