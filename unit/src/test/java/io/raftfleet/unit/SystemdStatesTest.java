package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SystemdStatesTest {
    @Test
    void aStateThatIsKnownStaysAsItIs() {
        assertThat(SystemdStates.knownLoadState("bad-setting")).isEqualTo("bad-setting");
        assertThat(SystemdStates.knownActiveState("maintenance")).isEqualTo("maintenance");
        assertThat(SystemdStates.knownSubState("stop-pre-sigterm", "deactivating"))
                .isEqualTo("stop-pre-sigterm");
        assertThat(SystemdStates.knownLoadState("")).isEmpty();
        assertThat(SystemdStates.knownActiveState("")).isEmpty();
        assertThat(SystemdStates.knownSubState("", "")).isEmpty();
    }

    /** Else an engine would refuse all that a machine with a newer systemd reports. */
    @Test
    void aStateOfALaterSystemdBecomesAKnownOne() {
        assertThat(SystemdStates.isLoadState(SystemdStates.knownLoadState("teleported")))
                .isTrue();
        for (String active : new String[] {
            "active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "levitating"
        }) {
            assertThat(SystemdStates.isActiveState(SystemdStates.knownActiveState(active)))
                    .isTrue();
            assertThat(SystemdStates.isSubState(SystemdStates.knownSubState("hovering", active)))
                    .isTrue();
        }
        assertThat(SystemdStates.knownSubState("hovering", "inactive")).isEqualTo("dead");
        assertThat(SystemdStates.knownSubState("hovering", "failed")).isEqualTo("failed");
    }
}
