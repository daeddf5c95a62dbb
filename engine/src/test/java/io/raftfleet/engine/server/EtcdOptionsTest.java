package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.etcd.EtcdSettings;
import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EtcdOptionsTest {
    private static final String SERVER = "http://127.0.0.1:2379";

    @Test
    void aPasswordMayBeInAFile() throws SettingsException {
        var settings = read(Map.of("FLEET_ETCD_USERNAME", "fleet", "FLEET_ETCD_PASSWORD_FILE", "/etc/fleet/etcd"));
        assertThat(settings.username()).contains("fleet");
        assertThat(settings.password()).isEmpty();
        assertThat(settings.passwordFile()).contains(Path.of("/etc/fleet/etcd"));
        assertThat(settings.sync()).isFalse();
    }

    /** As systemd hands them to a service with LoadCredential=. */
    @Test
    void eachSecretMayBeACredentialOfTheService() throws SettingsException {
        var settings = read(Map.of(
                "CREDENTIALS_DIRECTORY", "/run/credentials/fleet-engine.service",
                "FLEET_ETCD_USERNAME", "fleet",
                "FLEET_ETCD_PASSWORD_FILE", "%d/etcd",
                "FLEET_ETCD_CERTFILE", "/etc/fleet/etcd.pem",
                "FLEET_ETCD_KEYFILE", "%d/etcd-key.pem"));
        assertThat(settings.passwordFile()).contains(Path.of("/run/credentials/fleet-engine.service/etcd"));
        assertThat(settings.keyFile()).contains(Path.of("/run/credentials/fleet-engine.service/etcd-key.pem"));
    }

    @Test
    void halfACredentialIsRefused() {
        assertRefused(Map.of("FLEET_ETCD_USERNAME", "fleet"), "go together");
        assertRefused(Map.of("FLEET_ETCD_PASSWORD", "word"), "go together");
        assertRefused(Map.of("FLEET_ETCD_PASSWORD_FILE", "/etc/fleet/etcd"), "go together");
        assertRefused(Map.of("FLEET_ETCD_CERTFILE", "/etc/fleet/cert.pem"), "go together");
        assertRefused(
                Map.of(
                        "FLEET_ETCD_USERNAME",
                        "fleet",
                        "FLEET_ETCD_PASSWORD",
                        "word",
                        "FLEET_ETCD_PASSWORD_FILE",
                        "/etc/fleet/etcd"),
                "give one of them");
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://192.0.2.1:2379", "127.0.0.1:2379", "http://127.0.0.1", "ftp://127.0.0.1:1"})
    void serversWithoutTlsAreOnLoopback(String server) {
        assertThatThrownBy(() -> EtcdOptions.read(settings(Map.of("FLEET_ETCD_SERVERS", server))))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("etcd_servers");
    }

    private static void assertRefused(Map<String, String> environment, String why) {
        assertThatThrownBy(() -> read(environment))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining(why);
    }

    private static EtcdSettings read(Map<String, String> environment) throws SettingsException {
        var all = new HashMap<>(environment);
        all.put("FLEET_ETCD_SERVERS", SERVER);
        return EtcdOptions.read(settings(all)).orElseThrow();
    }

    private static Settings settings(Map<String, String> environment) throws SettingsException {
        return Settings.read(Daemon.ENGINE, null, environment, Map.of());
    }
}
