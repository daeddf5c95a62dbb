package io.raftfleet.settings;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class LiveSettingsTest {
    @TempDir
    Path dir;

    private final ListAppender<ILoggingEvent> said = new ListAppender<>();
    private final List<String> applied = new ArrayList<>();

    @BeforeEach
    void listen() {
        said.start();
        logger().addAppender(said);
    }

    @AfterEach
    void stopListening() {
        logger().detachAppender(said);
    }

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger("io.raftfleet.settings");
    }

    private void file(String text) throws Exception {
        Files.setPosixFilePermissions(
                Files.writeString(dir.resolve("fleet.conf"), text), PosixFilePermissions.fromString("rw-r-----"));
    }

    private Settings read() throws SettingsException {
        return Settings.read(Daemon.AGENT, dir.resolve("fleet.conf"), Map.of(), Map.of(Setting.UNIT_MANAGER, "hollow"));
    }

    private LiveSettings running() throws Exception {
        return new LiveSettings(read(), this::read, next -> {
            if (next.require(Setting.METADATA).equals("bad")) {
                throw new SettingsException("metadata: \"bad\" is no key=value");
            }
            applied.add(next.require(Setting.METADATA));
        });
    }

    private String lastLine() {
        return said.list.getLast().getLevel() + " " + said.list.getLast().getFormattedMessage();
    }

    @Test
    void whatCanChangeIsTakenOverAndTheRestIsNamedUntilTheRestart() throws Exception {
        file("metadata=role=a\nengines=h:1\n");
        var live = running();
        file("\nmetadata=role=b\nengines=h:2\netcd_password=for the engine alone\nunit_manager=systemd\n");
        live.reload();
        assertThat(applied).containsExactly("role=b");
        assertThat(said.list.get(0).getFormattedMessage())
                .isEqualTo("settings read again, taken over: metadata role=a -> role=b (" + dir + "/fleet.conf:2)");
        var restart = "WARN settings read again, these need a restart: engines h:1 -> h:2 (" + dir + "/fleet.conf:3)";
        assertThat(lastLine()).isEqualTo(restart);
        live.reload();
        assertThat(lastLine()).as("still").isEqualTo(restart);
        file("metadata=role=b\nengines=h:1\n");
        live.reload();
        assertThat(lastLine()).startsWith("INFO settings read again: nothing has changed");
    }

    @Test
    void ofSettingsThatCannotBeUsedNothingIsTaken() throws Exception {
        file("metadata=role=a\n");
        var live = running();
        for (var bad : List.of("metadata=bad", "metadata=role=b\nmetdata=x", "metadata=role=b\nno line")) {
            file(bad + "\n");
            live.reload();
            assertThat(lastLine()).startsWith("ERROR settings read again, and none taken over, the old ones stay: ");
        }
        Files.delete(dir.resolve("fleet.conf"));
        live.reload();
        assertThat(lastLine()).contains("does not exist");
        assertThat(applied).isEmpty();
        file("metadata=role=c\n");
        live.reload();
        assertThat(lastLine()).contains("metadata role=a -> role=c");
    }

    @Test
    void aNameThatMeansNothingIsToldOnce() throws Exception {
        file("metadata=role=a\nengine_reconcile_interval=2\n");
        var live = running();
        assertThat(lastLine()).startsWith("WARN \"engine_reconcile_interval\" in " + dir + "/fleet.conf:2 ");
        file("metadata=role=b\nengine_reconcile_interval=3\n");
        live.reload();
        assertThat(said.list).hasSize(2);
        assertThat(lastLine()).startsWith("INFO settings read again, taken over");
    }
}
