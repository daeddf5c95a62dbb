package io.raftfleet.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
    @TempDir
    Path dir;

    @Test
    void theEnvironmentWinsOverTheFile() throws Exception {
        var file = file("public_ip=\"10.0.0.1\"\nmetadata=\"region=eu,disk=ssd\"\n# agent_ttl=1s\n");
        var settings = Settings.read(file, true, Map.of("FLEET_PUBLIC_IP", "10.0.0.2", "PATH", "/bin"));
        assertThat(settings.get(Setting.PUBLIC_IP)).contains("10.0.0.2");
        assertThat(settings.get(Setting.METADATA)).contains("region=eu,disk=ssd");
        assertThat(settings.get(Setting.AGENT_TTL)).isEmpty();
    }

    @Test
    void anUnknownNameIsRefusedWithTheNearestOne() throws Exception {
        var file = file("publc_ip=10.0.0.1\n");
        assertThatThrownBy(() -> Settings.read(file, true, Map.of()))
                .isInstanceOf(SettingsException.class)
                .hasMessage("\"publc_ip\" in " + file + " is no setting: did you mean public_ip?");
        assertThatThrownBy(() -> Settings.read(dir.resolve("none"), false, Map.of("FLEET_AGENT_TLL", "30s")))
                .hasMessage("environment variable FLEET_AGENT_TLL is no setting: did you mean agent_ttl?");
    }

    @Test
    void namesThatOnlyFleetHadSaySo() throws Exception {
        var file = file("engine_reconcile_interval=2\n");
        assertThatThrownBy(() -> Settings.read(file, true, Map.of())).hasMessageContaining("fleet had it");
    }

    @Test
    void aMissingFileMattersOnlyIfItWasNamed() throws Exception {
        var none = dir.resolve("none.conf");
        assertThat(Settings.read(none, false, Map.of()).get(Setting.PUBLIC_IP)).isEmpty();
        assertThatThrownBy(() -> Settings.read(none, true, Map.of())).hasMessageContaining(none + " does not exist");
    }

    @Test
    void sectionsAreRefused() throws Exception {
        var file = file("[fleet]\npublic_ip=10.0.0.1\n");
        assertThatThrownBy(() -> Settings.read(file, true, Map.of())).hasMessageContaining("section [fleet]");
    }

    private Path file(String text) throws IOException {
        return Files.writeString(dir.resolve("fleet.conf"), text);
    }
}
