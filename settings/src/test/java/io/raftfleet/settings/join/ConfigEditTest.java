package io.raftfleet.settings.join;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigEditTest {
    @TempDir
    Path dir;

    @Test
    void allElseStaysAndWhatIsWrittenIsReadAsItWas() throws Exception {
        Path file = dir.resolve("fleet.conf");
        Files.writeString(file, "# mine\nEngines=old:1\npublic_ip=10.0.0.1\nengines=older:1\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        String odd = dir.resolve("a # b; c").toString();
        ConfigEdit.write(file, Map.of(Setting.ENGINES, "new:1,new:2", Setting.PUBLIC_IP, "", Setting.CA_FILE, odd));
        assertThat(Files.readAllLines(file))
                .contains("# mine", "engines=new:1,new:2")
                .doesNotContain("engines=older:1");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        var read = Settings.read(Daemon.AGENT, file, Map.of(), Map.of());
        assertThat(read.get(Setting.ENGINES)).contains("new:1,new:2");
        assertThat(read.get(Setting.CA_FILE)).contains(odd);
        assertThat(read.given(Setting.PUBLIC_IP)).isEmpty();
    }

    /** root writes for a daemon that runs as somebody else. */
    @Test
    void whatIsWrittenIsStillTheOldOwnersAndGroups() throws Exception {
        assumeThat(System.getProperty("user.name")).isEqualTo("root");
        Path file = dir.resolve("engine.conf");
        Files.writeString(file, "# mine\n");
        Files.setAttribute(file, "unix:uid", 12345);
        Files.setAttribute(file, "unix:gid", 23456);

        ConfigEdit.write(file, Map.of(Setting.ENGINE_ID, "e1"));

        assertThat(Files.getAttribute(file, "unix:uid")).isEqualTo(12345);
        assertThat(Files.getAttribute(file, "unix:gid")).isEqualTo(23456);
    }

    @Test
    void allInADirectoryBelongsToWhoseTheDirectoryIsAndLinksLeadNowhere() throws Exception {
        assumeThat(System.getProperty("user.name")).isEqualTo("root");
        Path outside = Files.createFile(dir.resolve("outside"));
        Path data = Files.createDirectory(dir.resolve("data"));
        Files.setAttribute(data, "unix:uid", 12345);
        Files.setAttribute(data, "unix:gid", 23456);
        Path key = Files.createFile(
                Files.createDirectory(data.resolve("certificates")).resolve("key.pem"));
        Files.createSymbolicLink(data.resolve("link"), outside);

        Ownership.asDirectory(data);

        assertThat(Files.getAttribute(key, "unix:uid")).isEqualTo(12345);
        assertThat(Files.getAttribute(key.getParent(), "unix:gid")).isEqualTo(23456);
        assertThat(Files.getAttribute(outside, "unix:uid")).isEqualTo(0);
    }

    /** As in a fleet.conf of fleet's, or of a cluster before this one. */
    @Test
    void whatIsToBeSaidNowhereIsHiddenWhereTheSharedFileSaysIt() throws Exception {
        Files.writeString(dir.resolve("fleet.conf"), "allow_plaintext=true\nmetadata=disk=ssd\n");
        Path file = dir.resolve("engine.conf");
        ConfigEdit.write(file, Map.of(Setting.ALLOW_PLAINTEXT, "", Setting.BOOTSTRAP, "", Setting.ENGINE_ID, "e1"));
        assertThat(Files.readAllLines(file)).containsExactlyInAnyOrder("allow_plaintext=", "engine_id=e1");
        ConfigEdit.write(dir.resolve("fleet.conf"), Map.of(Setting.ALLOW_PLAINTEXT, ""));
        assertThat(dir.resolve("fleet.conf")).hasContent("metadata=disk=ssd");
    }

    @Test
    void aFileThatIsNotThereIsMade() throws Exception {
        Path file = dir.resolve("new/fleet.conf");
        ConfigEdit.write(file, Map.of(Setting.ENGINES, "h:1"));
        assertThat(file).hasContent("engines=h:1");
    }
}
