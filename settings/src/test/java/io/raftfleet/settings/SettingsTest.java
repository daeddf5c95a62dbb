package io.raftfleet.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SettingsTest {
    @TempDir
    Path dir;

    @Test
    void theCommandLineWinsOverTheEnvironmentAndThatOverTheFile() throws Exception {
        var file = file("public_ip=\"10.0.0.1\"\nmetadata=\"region=eu,disk=ssd\"\n# agent_ttl=1s\nverbosity=2\n");
        var settings = Settings.read(
                Daemon.AGENT,
                file,
                Map.of("FLEET_PUBLIC_IP", "10.0.0.2", "FLEET_VERBOSITY", "warn", "PATH", "/bin"),
                Map.of(Setting.VERBOSITY, "error"));
        assertThat(settings.get(Setting.PUBLIC_IP)).contains("10.0.0.2");
        assertThat(settings.get(Setting.METADATA)).contains("region=eu,disk=ssd");
        assertThat(settings.get(Setting.VERBOSITY)).contains("error");
        assertThat(settings.given(Setting.AGENT_TTL)).isEmpty();
        assertThat(settings.get(Setting.AGENT_TTL)).contains("30s");
        assertThat(settings.get(Setting.DATA_DIR)).contains("/var/lib/fleet-agent");
    }

    /** Both daemons may be on one machine, each with its own certificate; and a file of fleet's is not hidden by one that packages bring. */
    @Test
    void aDaemonsOwnFileWinsOverTheSharedOneLineByLine() throws Exception {
        assertThat(Settings.usualFiles(dir, Daemon.ENGINE)).isEmpty();
        var shared = file("metadata=disk=ssd\npublic_ip=10.0.0.1\nkey_file=/shared.pem\n");
        assertThat(Settings.usualFiles(dir, Daemon.ENGINE)).containsExactly(shared);
        var own = Files.writeString(dir.resolve("engine.conf"), "# nothing yet\n");
        assertThat(Settings.usualFiles(dir, Daemon.AGENT)).containsExactly(shared);
        var files = Settings.usualFiles(dir, Daemon.ENGINE);
        assertThat(files).containsExactly(shared, own);

        assertThat(Settings.readAll(Daemon.ENGINE, files, Map.of(), Map.of()).get(Setting.METADATA))
                .contains("disk=ssd");
        Files.writeString(own, "key_file=/own.pem\npublic_ip=\n");
        var settings = Settings.readAll(Daemon.ENGINE, files, Map.of(), Map.of());
        assertThat(settings.get(Setting.METADATA)).contains("disk=ssd");
        assertThat(settings.get(Setting.KEY_FILE)).contains("/own.pem");
        assertThat(settings.origin(Setting.KEY_FILE)).isEqualTo(own + ":1");
        assertThat(settings.given(Setting.PUBLIC_IP))
                .as("which the own one says is none")
                .isEmpty();
    }

    @Test
    void aFileCanBeACredentialOfTheService() throws Exception {
        var named = Map.of(Setting.KEY_FILE, "%d/key.pem", Setting.CA_FILE, "/etc/ca.pem");
        var settings = Settings.read(
                Daemon.ENGINE,
                file(""),
                Map.of("CREDENTIALS_DIRECTORY", "/run/credentials/fleet-engine.service"),
                named);
        assertThat(settings.file(Setting.KEY_FILE)).contains(Path.of("/run/credentials/fleet-engine.service/key.pem"));
        assertThat(settings.file(Setting.CA_FILE)).contains(Path.of("/etc/ca.pem"));
        assertThat(settings.file(Setting.CERT_FILE)).isEmpty();
        var outside = Settings.read(Daemon.ENGINE, file(""), Map.of(), named);
        assertThatThrownBy(() -> outside.file(Setting.KEY_FILE))
                .isInstanceOf(SettingsException.class)
                .hasMessageContainingAll(
                        "key_file %d/key.pem", "CREDENTIALS_DIRECTORY is not set", "LoadCredential=key.pem:FILE");
    }

    @ParameterizedTest
    @CsvSource({
        "etcd_password=hush, rw-r--r--, true",
        "etcd_password=hush, rw-r-----, false",
        "etcd_password=, rw-r--r--, false",
        "etcd_servers=https://fleet:hush@10.0.0.1:2379, rw-r--r--, true",
        "etcd_servers=https://10.0.0.1:2379, rw-r--r--, false",
        "etcd_password_file=/etc/fleet/etcd, rw-r--r--, false",
    })
    void aSecretThatEverybodyCanReadIsWarnedOf(String line, String mode, boolean warned) throws Exception {
        var file = file(line + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        var warnings = Settings.read(Daemon.ENGINE, file, Map.of(), Map.of()).warnings();
        if (warned) {
            assertThat(warnings)
                    .singleElement()
                    .asString()
                    .contains(file + ":1", "chmod 640")
                    .doesNotContain("hush");
        } else {
            assertThat(warnings).isEmpty();
        }
    }

    @Test
    void anUnknownNameIsRefusedWithTheNearestOne() throws Exception {
        var file = file("\npublc_ip=10.0.0.1\n");
        assertThatThrownBy(() -> read(file))
                .isInstanceOf(SettingsException.class)
                .hasMessage("\"publc_ip\" in " + file + ":2 is no setting: did you mean public_ip?");
        assertThatThrownBy(() -> Settings.read(Daemon.AGENT, null, Map.of("FLEET_AGENT_TLL", "30s"), Map.of()))
                .hasMessage("environment variable FLEET_AGENT_TLL is no setting: did you mean agent_ttl?");
    }

    /** Every name of fleet 1.0's configuration, with the values of its sample file and of its documentation. */
    @Test
    void aFileOfFleetsIsReadAndWhatMeansNothingAnyMoreIsNamed() throws Exception {
        var file = file("""
            # This config file is INI-formatted

            ; every name that fleetd 1.0 took
            verbosity=0
            etcd_servers=["http://127.0.0.1:2379", "http://127.0.0.1:4001"]
            etcd_request_timeout=1.0
            etcd_cafile=/path/to/CAfile
            etcd_keyfile=/path/to/keyfile
            etcd_certfile=/path/to/certfile
            etcd_key_prefix="/_coreos.com/fleet/"
            etcd_username=root
            etcd_password=coreos
            public_ip=""
            metadata="region=us-west,az=us-west-1"
            agent_ttl="30s"
            engine_reconcile_interval=2
            units_directory="/run/fleet/units/"
            systemd_user=false
            token_limit=100
            enable_grpc=false
            disable_engine=false
            disable_watches=false
            verify_units=false
            authorized_keys_file=""
            """);
        var settings = Settings.read(Daemon.ENGINE, file, Map.of("FLEET_ENGINE_RECONCILE_INTERVAL", "5"), Map.of());
        assertThat(settings.get(Setting.ETCD_SERVERS))
                .contains("[\"http://127.0.0.1:2379\", \"http://127.0.0.1:4001\"]");
        assertThat(settings.get(Setting.ETCD_KEY_PREFIX)).contains("/_coreos.com/fleet/");
        assertThat(settings.given(Setting.PUBLIC_IP)).isEmpty();
        assertThat(settings.isOn(Setting.SYSTEMD_USER)).isFalse();
        assertThat(settings.warnings()).hasSize(8).allMatch(warning -> warning.contains("is ignored"));
        assertThat(settings.warnings().getFirst()).startsWith("\"etcd_request_timeout\" in " + file + ":6 ");
        assertThat(settings.warnings().getLast()).startsWith("environment variable FLEET_ENGINE_RECONCILE_INTERVAL ");
    }

    /** As goini, which fleet read its file with, has each line. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '%',
            value = {
                "metadata=a=b|a=b",
                "  metadata  =  a=b  |a=b",
                "METADATA=a=b|a=b",
                "metadata='a=\"b\"'|a=\"b\"",
                "metadata=\"a=b#c;d\"|a=b#c;d",
                "metadata=\"a=b\"  # why|a=b",
                "metadata=a=b # why|a=b",
                "metadata=a=b;c=d|a=b",
                "metadata=# nothing|%%",
                "metadata=|%%",
                "metadata=\"a=b|\"a=b",
            })
    void linesAreReadAsFleetReadThem(String line, String value) throws Exception {
        assertThat(ConfigFile.read(file(line + "\n"))).containsExactly(new ConfigFile.Line("metadata", value, 1));
    }

    @Test
    void aLineGoesOnBehindABackslashAndTheLastOneOfANameCounts() throws Exception {
        var settings = read(file("metadata=a=b,\\\n   c=d\npublic_ip=10.0.0.1\r\npublic_ip=10.0.0.2\r\n"));
        assertThat(settings.get(Setting.METADATA)).contains("a=b,c=d");
        assertThat(settings.get(Setting.PUBLIC_IP)).contains("10.0.0.2");
        assertThat(settings.origin(Setting.PUBLIC_IP)).endsWith("fleet.conf:4");
    }

    @Test
    void whatIsNoFileOfSettingsIsRefusedByLine() throws Exception {
        assertThatThrownBy(() -> read(file("public_ip=10.0.0.1\nwhat is this\n")))
                .hasMessageEndingWith("fleet.conf:2 is not like name=value");
        assertThatThrownBy(() -> read(file("\n[fleet]\npublic_ip=10.0.0.1\n")))
                .hasMessageContaining("section [fleet] in ")
                .hasMessageContaining("fleet.conf:2");
        assertThatThrownBy(() -> read(Files.write(dir.resolve("binary"), new byte[] {(byte) 0xff})))
                .hasMessageContaining("can't be read");
        assertThatThrownBy(() -> read(dir)).hasMessageContaining("can't be read");
    }

    @Test
    void aMissingFileMattersOnlyIfItWasNamed() {
        var none = dir.resolve("none.conf");
        assertThatThrownBy(() -> read(none)).hasMessageContaining(none + " does not exist");
    }

    @Test
    void printingShowsEachValueAndItsSourceButNoSecret() throws Exception {
        var file = file("etcd_password=hush\netcd_servers=https://me:hush@10.0.0.1:2379\n\nagent_ttl=20s\n");
        var settings =
                Settings.read(Daemon.ENGINE, file, Map.of("FLEET_TOKEN_LIMIT", "7"), Map.of(Setting.BOOTSTRAP, "true"));
        var out = new StringWriter();
        settings.print(new PrintWriter(out));
        assertThat(out.toString()).doesNotContain("hush");
        assertThat(out.toString().lines().map(line -> line.replaceAll(" +", " ")))
                .startsWith("NAME VALUE FROM")
                .contains(
                        "etcd_password ******** " + file + ":1",
                        "etcd_servers https://********@10.0.0.1:2379 " + file + ":2",
                        "agent_ttl 20s " + file + ":4",
                        "token_limit 7 FLEET_TOKEN_LIMIT",
                        "bootstrap true --bootstrap",
                        "registry_quota 50% default",
                        "data_dir /var/lib/fleet-engine default",
                        "http (as peers has it) default",
                        "http_socket (http.sock in RUNTIME_DIRECTORY) default")
                .hasSize(1
                        + (int) Arrays.stream(Setting.values())
                                .filter(setting -> setting.isFor(Daemon.ENGINE))
                                .count());
    }

    /** What it says there is for people; that it stands there at all is for this test. */
    @ParameterizedTest
    @EnumSource(Setting.class)
    void everySettingIsDocumented(Setting setting) throws Exception {
        var documents = Path.of("..", "docs");
        var text = Files.readString(documents.resolve("configuration.md"))
                + Files.readString(documents.resolve("etcd.md"));
        assertThat(text).contains("`" + setting.key() + "`");
    }

    private static Settings read(Path file) throws SettingsException {
        return Settings.read(Daemon.AGENT, file, Map.of(), Map.of());
    }

    private Path file(String text) throws IOException {
        var file = Files.writeString(dir.resolve("fleet.conf"), text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    }
}
