package io.raftfleet.agent.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import io.raftfleet.agent.main.AgentConfig.Manager;
import io.raftfleet.agent.systemd.SystemdConfig;
import io.raftfleet.settings.log.LogFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SystemdMachineTest {
    private static AgentConfig config(boolean user, String bus, Optional<Path> units) {
        return new AgentConfig(
                List.of("h:1"),
                "0".repeat(32),
                "",
                Map.of(),
                Path.of("/var/lib/fleet-agent"),
                units,
                Manager.SYSTEMD,
                user,
                bus,
                Optional.empty(),
                List.of(),
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                LogFormat.TEXT,
                Level.INFO,
                false);
    }

    @Test
    void theSystemsIsTheDefault() throws Exception {
        SystemdConfig systemd = SystemdMachine.systemd(config(false, "", Optional.empty()), Map.of());
        assertThat(systemd.searchDirectory()).isEqualTo(Path.of("/run/systemd/system"));
        assertThat(systemd.unitsDirectory()).isEqualTo(Path.of("/run/fleet/units"));
        assertThat(SystemdMachine.systemd(config(false, "unix:path=/run/systemd/private", Optional.empty()), Map.of()))
                .isEqualTo(systemd);
    }

    @Test
    void aUsersIsFoundByItsRuntimeDirectoryOrItsBus() throws Exception {
        SystemdConfig own = SystemdMachine.systemd(
                config(true, "", Optional.of(Path.of("/srv/units"))), Map.of("XDG_RUNTIME_DIR", "/run/user/7"));
        assertThat(own.searchDirectory()).isEqualTo(Path.of("/run/user/7/systemd/user"));
        assertThat(own.unitsDirectory()).isEqualTo(Path.of("/srv/units"));
        assertThat(own.direct()).isTrue();
        SystemdConfig other =
                SystemdMachine.systemd(config(false, "unix:path=/run/user/8/bus,guid=1", Optional.empty()), Map.of());
        assertThat(other.searchDirectory()).isEqualTo(Path.of("/run/user/8/systemd/user"));
        assertThat(other.unitsDirectory()).isEqualTo(Path.of("/run/user/8/fleet/units"));
        assertThat(other.direct()).isFalse();
        assertThatThrownBy(() -> SystemdMachine.systemd(config(true, "", Optional.empty()), Map.of()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("XDG_RUNTIME_DIR");
    }
}
