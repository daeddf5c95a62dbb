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
        assertThat(Files.readString(dir.resolve("bash/fleetctl")))
                .contains("list-units", "--endpoint", "--context", "__names")
                .endsWith("  complete -F _fleetctl_with_names -o default fleetctl\nfi\n");
        assertThat(Files.readString(dir.resolve("bash/fleet-engine"))).doesNotContain("__names");
        assertThat(Files.readString(dir.resolve("zsh/_fleetctl")))
                .startsWith("#compdef fleetctl\n")
                .contains("compdef _fleetctl_with_names fleetctl\n");
        assertThat(Files.readString(dir.resolve("fish/fleetctl.fish")))
                .doesNotContain("fleetctl -n 'not __fish_seen_subcommand_from cat names")
                .contains(
                        "fleetctl __names ",
                        "-f -a list-units -d ",
                        "-n '__fish_seen_subcommand_from cluster; and not __fish_seen_subcommand_from ");
    }

    /** What bash makes of a word, with a launcher that has these names. */
    @Test
    void namesAreCompletedInBashAndNeverEvaluated() throws Exception {
        Documents.write(dir, "1.2.3");
        var launcher = dir.resolve("launcher");
        Files.writeString(launcher, """
                #!/bin/sh
                printf '%s\\n' 'web@1.service' 'a:b.service' 'odd\\x2d$(touch pwned)`touch pwned`.service' | grep -F -- "$3"
                """);
        assertThat(launcher.toFile().setExecutable(true)).isTrue();
        var script = """
                . bash/fleetctl
                compopt() { :; }
                COMP_WORDBREAKS=$' \t\n"\\'@><=;|&(:'
                try() {
                  COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1) COMPREPLY=()
                  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                  _fleetctl_with_names ./launcher
                  printf '%s\n' "${COMPREPLY[@]}"
                }
                try 'fleetctl stop web@'
                try 'fleetctl stop a:b'
                try 'fleetctl stop odd'
                try 'fleetctl list-machi'
                """;
        var bash = new ProcessBuilder("bash", "-c", script)
                .directory(dir.toFile())
                .redirectErrorStream(true)
                .start();
        bash.getOutputStream().close();
        assertThat(new String(bash.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8))
                .isEqualTo(
                        "1.service\nb.service\nodd\\\\x2d\\$\\(touch\\ pwned\\)\\`touch\\ pwned\\`.service\nlist-machines\n");
        assertThat(dir.resolve("pwned")).doesNotExist();
    }

    @Test
    void whatIsSaidIsNoOrderToTheFormatter() {
        assertThat(ManualPage.escaped(".br 'x' \\n a-b 50%%")).isEqualTo("\\&.br \\(aqx\\(aq \\(rsn a\\-b 50%");
    }
}
