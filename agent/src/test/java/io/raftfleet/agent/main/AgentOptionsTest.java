package io.raftfleet.agent.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Flags;
import io.raftfleet.settings.SettingsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class AgentOptionsTest {
    private static final String ID = "0123456789abcdef0123456789abcdef";

    @TempDir
    Path folder;

    private Path file = Path.of("");

    @BeforeEach
    void name() throws Exception {
        file = folder.resolve("fleet.conf");
        Files.writeString(file, "");
    }

    private AgentConfig resolve(Map<String, String> environment, String... arguments) throws SettingsException {
        List<String> all = new ArrayList<>(List.of("--allow-plaintext", "--config", file.toString()));
        all.addAll(List.of(arguments));
        return AgentOptions.resolve(
                Flags.read(Daemon.AGENT, commandLine().parseArgs(all.toArray(String[]::new)), environment));
    }

    private static AgentConfig parsed(String... arguments) throws SettingsException {
        return AgentOptions.resolve(Flags.read(Daemon.AGENT, commandLine().parseArgs(arguments), Map.of()));
    }

    private static CommandLine commandLine() {
        return Flags.commandLine(Daemon.AGENT, new VersionProvider(), "");
    }

    /** Of each setting a value other than the usual one. */
    private static final Map<String, String> SAMPLES = Map.ofEntries(
            Map.entry("engines", "h:2"),
            Map.entry("machine_id", ID.replace('0', '1')),
            Map.entry("public_ip", "10.0.0.1"),
            Map.entry("metadata", "region=us-west,az=us-west-1"),
            Map.entry("units_directory", "/run/u"),
            Map.entry("unit_manager", "hollow"),
            Map.entry("systemd_user", "true"),
            Map.entry("systemd_bus", "unix:path=/x"),
            Map.entry("boot_id_file", "/boot-id"),
            Map.entry("journal_command", "nsenter -t 1"),
            Map.entry("hollow", "3"),
            Map.entry("hollow_journal", "/j"),
            Map.entry("adopt_cluster", "true"),
            Map.entry("data_dir", "/d"),
            Map.entry("metrics", "127.0.0.1:14103"),
            Map.entry("traces_endpoint", "http://127.0.0.1:4318"),
            Map.entry("log_format", "json"),
            Map.entry("verbosity", "2"));

    @Test
    void everyFlagIsALineOfTheFileAndAVariableToo() throws Exception {
        // What has to do with certificates is in tests of its own below.
        List<String> notSettings = List.of(
                "--config",
                "--print-config",
                "--help",
                "--version",
                "--ca-file",
                "--cert-file",
                "--key-file",
                "--allow-plaintext");
        AgentConfig usual = given("machine_id", ID, true, false);
        for (OptionSpec option : commandLine().getCommandSpec().options()) {
            if (notSettings.contains(option.longestName())) {
                continue;
            }
            String key = option.longestName().substring(2).replace('-', '_');
            String value = SAMPLES.get(key);
            assertThat(value).as("a sample of %s", key).isNotNull();
            AgentConfig asFlag = given(key, value, false, false);
            assertThat(asFlag).as(key).isNotEqualTo(usual);
            assertThat(given(key, value, true, false)).as("%s in the file", key).isEqualTo(asFlag);
            assertThat(given(key, value, false, true))
                    .as("%s in the environment", key)
                    .isEqualTo(asFlag);
        }
    }

    private AgentConfig given(String key, String value, boolean inFile, boolean inEnvironment) throws Exception {
        Map<String, String> environment = new HashMap<>();
        environment.put("FLEET_ENGINES", "h:1");
        environment.put("FLEET_MACHINE_ID", ID);
        environment.remove("FLEET_" + key.toUpperCase(Locale.ROOT));
        Files.writeString(file, inFile ? key + "=\"" + value + "\"\n" : "");
        if (inFile) {
            return resolve(environment);
        }
        if (inEnvironment) {
            environment.put("FLEET_" + key.toUpperCase(Locale.ROOT), value);
            return resolve(environment);
        }
        return resolve(environment, "--" + key.replace('_', '-') + "=" + value);
    }

    @Test
    void whereNobodyIsAskedWhoTheyAreOnlyThisMachineGets() throws Exception {
        for (String loopback : List.of("127.0.0.1:14103", "[::1]:14103", "localhost:14103", "127.3.2.1:0")) {
            assertThat(given("metrics", loopback, false, false).metrics())
                    .as(loopback)
                    .isPresent();
        }
        for (String other : List.of(
                "0.0.0.0:14103", "10.0.0.1:14103", "[::]:14103", "example.com:14103", "127.0.0.1", "127.0.0.1:99999")) {
            assertThatThrownBy(() -> given("metrics", other, false, false))
                    .as(other)
                    .isInstanceOf(SettingsException.class)
                    .hasMessageContaining("metrics:");
        }
    }

    @Test
    void plaintextHasToBeAskedFor() {
        assertThatThrownBy(() -> parsed("--config", file.toString(), "--engines=h:1", "--machine-id=" + ID))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("no certificate is given");
    }

    @Test
    void theCertificateIsItsMachines() throws Exception {
        var authority = CertificateAuthority.create(folder.resolve("ca"), "c", Instant.now(), Duration.ofDays(1));
        for (String id : List.of(ID, "f".repeat(32))) {
            var files = new TlsFiles(
                    folder.resolve("ca/ca.pem"), folder.resolve(id + ".pem"), folder.resolve(id + "-key.pem"));
            authority
                    .issue(SpiffeId.Kind.AGENT, id, Optional.empty(), List.of(), Instant.now(), Duration.ofDays(1))
                    .write(files.certificate(), files.key());
            String[] arguments = {
                "--config=" + file,
                "--engines=h:1",
                "--machine-id=" + ID,
                "--ca-file=" + files.authorities(),
                "--cert-file=" + files.certificate(),
                "--key-file=" + files.key()
            };
            if (id.equals(ID)) {
                assertThat(parsed(arguments).tls()).contains(files);
            } else {
                assertThatThrownBy(() -> parsed(arguments))
                        .isInstanceOf(SettingsException.class)
                        .hasMessageContaining("give it a certificate of its own, spiffe://c/agent/" + ID);
            }
        }
    }

    @Test
    void machinesOfOneProcessHaveACertificateEach() throws Exception {
        var authority = CertificateAuthority.create(folder.resolve("ca"), "c", Instant.now(), Duration.ofDays(1));
        var files = new TlsFiles(
                folder.resolve("ca/ca.pem"), folder.resolve("agent-%m.pem"), folder.resolve("agent-%m-key.pem"));
        String[] arguments = {
            "--config=" + file,
            "--engines=h:1",
            "--machine-id=seed",
            "--hollow=2",
            "--ca-file=" + files.authorities(),
            "--cert-file=" + files.certificate(),
            "--key-file=" + files.key()
        };
        for (String id : HollowMachines.machineIds("seed", 2)) {
            assertThatThrownBy(() -> parsed(arguments))
                    .isInstanceOf(SettingsException.class)
                    .hasMessageContaining("agent-" + id);
            var own = files.of(id);
            authority
                    .issue(SpiffeId.Kind.AGENT, id, Optional.empty(), List.of(), Instant.now(), Duration.ofDays(1))
                    .write(own.certificate(), own.key());
        }
        assertThat(parsed(arguments).tls()).contains(files);
        arguments[5] =
                "--cert-file=" + files.of(HollowMachines.machineId("seed", 1)).certificate();
        assertThatThrownBy(() -> parsed(arguments))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("each machine needs its own; write %m");
    }

    @Test
    void whatEnginesWouldRefuseIsToldAtTheStart() {
        for (var option : List.of(
                "--metadata=a=\u001b[31m", "--metadata=" + "k".repeat(4097) + "=v", "--public-ip=10.0.0.1 or so")) {
            assertThatThrownBy(() -> resolve(Map.of(), "--engines=h:1", "--machine-id=" + ID, option))
                    .isInstanceOf(SettingsException.class)
                    .hasMessageContaining("engines refuse");
        }
    }

    @Test
    void readsFleetsNamesFromTheFileTheEnvironmentAndTheCommandLine() throws Exception {
        Files.writeString(file, """
            # comment
            engines="127.0.0.1:1,127.0.0.1:2"
            public_ip="10.0.0.1"
            metadata="region=us-west,az=us-west-1"
            agent_ttl="30s"
            units_directory=/run/fleet/units
            systemd_user=true
            verbosity=1
            """);
        AgentConfig config = resolve(
                Map.of("FLEET_PUBLIC_IP", "10.0.0.2", "FLEETCTL_ENDPOINT", "x", "PATH", "/bin"),
                "--machine-id",
                ID,
                "--journal-command",
                "bin/systemd-machine exec d");
        assertThat(config.engines()).containsExactly("127.0.0.1:1", "127.0.0.1:2");
        assertThat(config.publicIp()).isEqualTo("10.0.0.2");
        assertThat(config.metadata())
                .containsExactlyInAnyOrderEntriesOf(Map.of("region", "us-west", "az", "us-west-1"));
        assertThat(config.unitsDir()).contains(Path.of("/run/fleet/units"));
        assertThat(config.systemdUser()).isTrue();
        assertThat(config.verbosity()).isEqualTo(Level.DEBUG);
        assertThat(config.manager()).isEqualTo(AgentConfig.Manager.SYSTEMD);
        assertThat(config.journalCommand()).containsExactly("bin/systemd-machine", "exec", "d");
        assertThat(resolve(Map.of("FLEET_PUBLIC_IP", "10.0.0.2"), "--machine-id", ID, "--public-ip", "10.0.0.3")
                        .publicIp())
                .isEqualTo("10.0.0.3");
    }

    @Test
    void anUnknownNameIsRefusedWithTheNearest() throws Exception {
        Files.writeString(file, "public_pi=10.0.0.1\n");
        refused(Map.of(), "public_pi", file.toString(), "did you mean public_ip");
        Files.writeString(file, "");
        refused(Map.of("FLEET_METADTA", "a=b"), "FLEET_METADTA", "did you mean metadata");
        Files.writeString(file, "[fleet]\nmetadata=a=b\n");
        refused(Map.of(), "[fleet]", "no sections");
    }

    private void refused(Map<String, String> environment, String... parts) {
        assertThatThrownBy(() -> resolve(environment, "--engines", "h:1", "--machine-id", ID))
                .isInstanceOf(SettingsException.class)
                .message()
                .contains(parts);
    }

    @Test
    void badValuesAreRefusedByName() {
        bad("no engines", "--machine-id", ID);
        bad("host:port", "--engines", "nowhere", "--machine-id", ID);
        bad("machine id", "--engines", "h:1", "--machine-id", "short");
        bad("key=value", "--engines", "h:1", "--machine-id", ID, "--metadata", "nothing");
        bad("systemd or hollow", "--engines", "h:1", "--machine-id", ID, "--unit-manager", "upstart");
        bad("verbosity", "--engines", "h:1", "--machine-id", ID, "--verbosity", "loud");
        bad("--hollow 0", "--engines", "h:1", "--hollow", "0");
        bad("--hollow 3", "--engines", "h:1", "--hollow", "3", "--unit-manager", "systemd");
    }

    private void bad(String reason, String... arguments) {
        assertThatThrownBy(() -> resolve(Map.of(), arguments))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void hollowMachinesNeedNoMachineIdOfTheirOwn() throws Exception {
        AgentConfig config = resolve(Map.of(), "--engines", "[::1]:1", "--hollow", "500", "--machine-id", "seed");
        assertThat(config.manager()).isEqualTo(AgentConfig.Manager.HOLLOW);
        assertThat(config.hollowMachines()).isEqualTo(500);
        assertThat(HollowMachines.machineId("seed", 1))
                .matches("[0-9a-f]{32}")
                .isEqualTo(HollowMachines.machineId("seed", 1))
                .isNotEqualTo(HollowMachines.machineId("seed", 2));
    }
}
