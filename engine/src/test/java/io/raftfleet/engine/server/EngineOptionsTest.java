package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Flags;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Model.OptionSpec;

class EngineOptionsTest {
    private static final Map<String, String> NEEDED = Map.of(
            "allow_plaintext", "true",
            "engine_id", "e1",
            "cluster_id", "c2ee4a2e-4a5b-4b0e-9d8e-0b7c2f6d1a11",
            "peers", "e1=127.0.0.1:1/127.0.0.1:2/127.0.0.1:3,e2=127.0.0.1:4/127.0.0.1:5/127.0.0.1:6");

    /** Of each setting a value other than the usual one, and what it can't be given without. */
    private static final Map<String, Map<String, String>> SAMPLES = samples();

    @TempDir
    Path dir;

    private static Map<String, Map<String, String>> samples() {
        var samples = new TreeMap<String, Map<String, String>>();
        var etcd = Map.of("etcd_servers", "https://10.0.0.1:2379");
        samples.put("engine_id", Map.of("engine_id", "e2"));
        samples.put("cluster_id", Map.of("cluster_id", "00000000-0000-0000-0000-000000000001"));
        samples.put("peers", Map.of("peers", "e1=127.0.0.1:1/127.0.0.1:2/127.0.0.1:9"));
        samples.put("raft", Map.of("raft", "127.0.0.1:7", "peers", "e1=127.0.0.1:7/127.0.0.1:2/127.0.0.1:3"));
        samples.put("grpc", Map.of("grpc", "127.0.0.1:7"));
        samples.put("http", Map.of("http", "127.0.0.1:7"));
        samples.put("http_names", Map.of("http_names", "fleet.example"));
        samples.put("certificate_days", Map.of("certificate_days", "30"));
        samples.put("http_socket", Map.of("http_socket", "/run/fleet.sock"));
        samples.put("bootstrap", Map.of("bootstrap", "true"));
        samples.put("join", Map.of("join", "true"));
        samples.put("restore_from_etcd", with(etcd, "restore_from_etcd", "true", "bootstrap", "true"));
        samples.put("restore_from_backup", Map.of("restore_from_backup", "/b", "bootstrap", "true"));
        samples.put("agent_ttl", Map.of("agent_ttl", "1m30s"));
        samples.put("token_limit", Map.of("token_limit", "7"));
        samples.put("election_timeout", Map.of("election_timeout", "1s-2s"));
        samples.put("entry_format", Map.of("entry_format", "1"));
        samples.put("registry_quota", Map.of("registry_quota", "40%"));
        samples.put("raft_any_source", Map.of("raft_any_source", "true"));
        samples.put("etcd_servers", etcd);
        samples.put("etcd_key_prefix", with(etcd, "etcd_key_prefix", "/_coreos.com/fleet/"));
        samples.put("etcd_mirror", with(etcd, "etcd_mirror", "sync"));
        samples.put("etcd_cafile", with(etcd, "etcd_cafile", "/ca"));
        samples.put("etcd_certfile", with(etcd, "etcd_certfile", "/cert", "etcd_keyfile", "/key"));
        samples.put("etcd_keyfile", samples.get("etcd_certfile"));
        samples.put("etcd_username", with(etcd, "etcd_username", "root", "etcd_password", "coreos"));
        samples.put("etcd_password", samples.get("etcd_username"));
        samples.put("etcd_password_file", with(etcd, "etcd_username", "root", "etcd_password_file", "/word"));
        samples.put("data_dir", Map.of("data_dir", "/d"));
        samples.put("traces_endpoint", Map.of("traces_endpoint", "http://127.0.0.1:4318"));
        samples.put("traces_ratio", Map.of("traces_endpoint", "http://127.0.0.1:4318", "traces_ratio", "0.5"));
        samples.put("log_format", Map.of("log_format", "json"));
        samples.put("verbosity", Map.of("verbosity", "2"));
        return samples;
    }

    private static Map<String, String> with(Map<String, String> base, String... more) {
        var all = new TreeMap<>(base);
        for (int i = 0; i < more.length; i += 2) {
            all.put(more[i], more[i + 1]);
        }
        return all;
    }

    @Test
    void everyFlagIsALineOfTheFileAndAVariableToo() throws Exception {
        var usual = resolve(NEEDED, Map.of(), Map.of());
        // What has to do with certificates is in EngineTlsOptionsTest.
        var notSettings = Set.of("--config", "--print-config", "--help", "--version");
        var aboutCertificates =
                Set.of("--ca-file", "--cert-file", "--key-file", "--ca-key-file", "--plain-http", "--allow-plaintext");
        for (OptionSpec option : commandLine().getCommandSpec().options()) {
            if (notSettings.contains(option.longestName()) || aboutCertificates.contains(option.longestName())) {
                continue;
            }
            var key = option.longestName().substring(2).replace('-', '_');
            var sample = SAMPLES.get(key);
            assertThat(sample).as("a sample of %s", key).isNotNull();
            var all = with(
                    NEEDED,
                    sample.entrySet().stream()
                            .flatMap(entry -> List.of(entry.getKey(), entry.getValue()).stream())
                            .toArray(String[]::new));
            var asFlag = resolve(Map.of(), Map.of(), all);
            assertThat(asFlag).as(key).isNotEqualTo(usual);
            assertThat(resolve(all, Map.of(), Map.of()))
                    .as("%s in the file", key)
                    .isEqualTo(asFlag);
            assertThat(resolve(Map.of(), all, Map.of()))
                    .as("%s in the environment", key)
                    .isEqualTo(asFlag);
        }
    }

    @Test
    void aServiceHasItsSocketInItsRuntimeDirectory() throws Exception {
        assertThat(socket(Map.of())).isEmpty();
        assertThat(socket(Map.of("RUNTIME_DIRECTORY", "/run/fleet-engine")))
                .contains(Path.of("/run/fleet-engine/http.sock"));
        assertThat(socket(Map.of("RUNTIME_DIRECTORY", "/run/a:/run/b", "FLEET_HTTP_SOCKET", "/run/fleet.sock")))
                .contains(Path.of("/run/fleet.sock"));
    }

    private Optional<Path> socket(Map<String, String> environment) throws Exception {
        var all = new HashMap<>(environment);
        NEEDED.forEach((key, value) -> all.put("FLEET_" + key.toUpperCase(Locale.ROOT), value));
        var file = Files.writeString(dir.resolve("empty.conf"), "");
        return EngineOptions.resolve(Settings.read(Daemon.ENGINE, file, all, Map.of()))
                .httpSocket();
    }

    @Test
    void aSwitchThatTheFileSetsCanBeTakenBack() throws Exception {
        var file = with(NEEDED, "bootstrap", "yes");
        assertThat(resolve(file, Map.of(), Map.of()).bootstrap()).isTrue();
        assertThat(resolve(file, Map.of(), Map.of("bootstrap", "false")).bootstrap())
                .isFalse();
        assertThat(resolve(file, Map.of("bootstrap", "0"), Map.of()).bootstrap())
                .isFalse();
        assertThatThrownBy(() -> resolve(with(NEEDED, "bootstrap", "maybe"), Map.of(), Map.of()))
                .hasMessage("bootstrap \"maybe\": it is true or false");
        var parsed = commandLine().parseArgs("--bootstrap", "--join");
        assertThat(parsed.matchedOptionValue("--bootstrap", "")).isEqualTo("true");
        assertThat(parsed.hasMatchedOption("--join")).isTrue();
    }

    /** As Go reads them, which fleet was written in. */
    @ParameterizedTest
    @CsvSource({"30s,30000", "30,30000", "500ms,500", "1m30s,90000", "1.5m,90000", "24h,86400000", "0.5s,500"})
    void timesAreReadAsFleetReadThem(String text, long millis) throws Exception {
        assertThat(resolve(NEEDED, Map.of(), Map.of("agent_ttl", text)).agentTtl())
                .isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0s", "25h", "-1s", "s", "1d", "1s 1s", "99999999999999999999h", "0.1ms"})
    void whatIsNoTimeIsRefused(String text) {
        assertThatThrownBy(() -> resolve(NEEDED, Map.of(), Map.of("agent_ttl", text)))
                .isInstanceOf(SettingsException.class)
                .hasMessageStartingWith("agent_ttl \"" + text + "\" is no time");
    }

    @Test
    void whatIsMissingIsNamedWithTheWaysToGiveIt() {
        assertThatThrownBy(() -> resolve(Map.of("engine_id", "e1"), Map.of(), Map.of()))
                .hasMessage("no peers is given: use --peers, FLEET_PEERS, or the configuration file");
    }

    /** It may have left the cluster long ago, or name servers may come later than engines. */
    @Test
    void anotherEngineWhoseNameNobodyKnowsKeepsNoneFromStarting() throws Exception {
        var gone = with(NEEDED, "peers", NEEDED.get("peers") + ",e3=gone.invalid:1/gone.invalid:2/gone.invalid:3");
        assertThat(resolve(gone, Map.of(), Map.of()).peers()).hasSize(3);
        assertThatThrownBy(() -> resolve(gone, Map.of(), Map.of("http", "gone.invalid:3")))
                .as("no fault of the settings: it may be known a little later")
                .isInstanceOf(UncheckedIOException.class)
                .hasMessage("--http: no address is known for the host of \"gone.invalid:3\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"host", ":1", "host:", "host:65536", "host:1:2", "a/b"})
    void whatIsNoAddressIsRefused(String text) {
        var peers = NEEDED.get("peers") + ",e3=" + text + "/127.0.0.1:2/127.0.0.1:3";
        assertThatThrownBy(() -> resolve(with(NEEDED, "peers", peers), Map.of(), Map.of()))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("--peers");
    }

    private static picocli.CommandLine commandLine() {
        return Flags.commandLine(Daemon.ENGINE, new EngineVersion(), "");
    }

    private EngineConfig resolve(Map<String, String> file, Map<String, String> environment, Map<String, String> flags)
            throws Exception {
        var config = Files.write(
                dir.resolve("fleet.conf"),
                file.entrySet().stream()
                        .map(entry -> entry.getKey() + "=\"" + entry.getValue() + "\"")
                        .toList());
        var variables = new HashMap<String, String>();
        environment.forEach((key, value) -> variables.put("FLEET_" + key.toUpperCase(Locale.ROOT), value));
        var arguments = new ArrayList<>(List.of("--config", config.toString()));
        flags.forEach((key, value) -> arguments.add("--" + key.replace('_', '-') + "=" + value));
        var parsed = commandLine().parseArgs(arguments.toArray(String[]::new));
        return EngineOptions.resolve(Flags.read(Daemon.ENGINE, parsed, variables));
    }
}
