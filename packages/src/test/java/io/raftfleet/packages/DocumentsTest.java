package io.raftfleet.packages;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentsTest {
    @TempDir
    Path dir;

    @Test
    void allProgramsHaveAPageAndCompletionsWithTheirCommandsAndOptions() throws Exception {
        Documents.write(dir, "1.2.3");

        assertThat(Files.readString(dir.resolve("man/fleetctl.1")))
                .startsWith(".TH FLEETCTL 1 \"\" \"raftfleet 1.2.3\"")
                .contains(".SS fleetctl list\\-units", ".SS fleetctl cluster transfer\\-leader", "\\-\\-endpoint")
                .doesNotContain("${", "%n");
        assertThat(Files.readString(dir.resolve("man/fleet-engine.8")))
                .contains(".SS fleet\\-engine init", "\\-\\-registry\\-quota");
        assertThat(Files.readString(dir.resolve("man/fleet-agent.8")))
                .contains(".SS fleet\\-agent join", "\\-\\-public\\-ip");
        assertThat(Files.readString(dir.resolve("bash/fleetctl"))).contains("list-units", "--endpoint");
        assertThat(Files.readString(dir.resolve("zsh/_fleetctl"))).startsWith("#compdef fleetctl\n");
        assertThat(Files.readString(dir.resolve("fish/fleetctl.fish")))
                .contains(
                        "-f -a list-units -d ",
                        "-n '__fish_seen_subcommand_from cluster; and not __fish_seen_subcommand_from ");
    }

    @Test
    void whatIsSaidIsNoOrderToTheFormatter() {
        assertThat(ManualPage.escaped(".br 'x' \\n a-b 50%%")).isEqualTo("\\&.br \\(aqx\\(aq \\(rsn a\\-b 50%");
    }
}
