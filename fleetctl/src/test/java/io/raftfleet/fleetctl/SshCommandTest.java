package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is asked of the system's ssh. */
class SshCommandTest {
    @Test
    void hostKeysAreVerifiedAsTheFlagsSay() {
        var global = new GlobalOptions();
        assertThat(command(global))
                .containsSubsequence("ssh", "--", "10.0.0.1", "uptime")
                .noneMatch(word -> word.contains("StrictHostKeyChecking") || word.contains("UserKnownHostsFile"));
        global.knownHostsFile = Path.of("/keys");
        assertThat(command(global)).containsSubsequence("-o", "UserKnownHostsFile=/keys", "--");
        global.strictHostKeyChecking = false;
        assertThat(command(global))
                .containsSubsequence("-o", "StrictHostKeyChecking=no", "--")
                .contains("UserKnownHostsFile=/dev/null")
                .doesNotContain("UserKnownHostsFile=/keys");
    }

    @Test
    void theTunnelsHostIsReachedAsTheFlagsSayToo() throws Exception {
        var global = new GlobalOptions();
        global.tunnel = "jump:2222";
        global.sshUsername = "it's 100%";
        global.knownHostsFile = Path.of("/some keys/$HOME");
        global.sshTimeout = 3;
        assertThat(proxy(global, "fd00::1"))
                .containsExactly(
                        "ssh",
                        "-o",
                        "ConnectTimeout=3",
                        "-o",
                        "UserKnownHostsFile=/some keys/$HOME",
                        "-l",
                        "it's 100%",
                        "-W",
                        "[fd00::1]:22",
                        "-p",
                        "2222",
                        "--",
                        "jump");
        global.strictHostKeyChecking = false;
        global.tunnel = "me@[fd00::2]:2222";
        assertThat(proxy(global, "10.0.0.1"))
                .containsSubsequence("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
                .endsWith("-W", "[10.0.0.1]:22", "-p", "2222", "--", "me@fd00::2");
    }

    /** A hostile agent's: a shell reads the command by which ssh goes through another host. */
    @Test
    void whatIsNoAddressIsNotConnectedTo() {
        for (String address : List.of("10.0.0.1", "fd00::1", "fe80::1%eth0", "m-1.example.org", "under_score")) {
            assertThat(SshCommand.checked(address)).isEqualTo(address);
        }
        for (String address : List.of(
                "10.0.0.1'; touch /tmp/owned; '",
                "$(id)",
                "`id`",
                "a b",
                "a\nb",
                "-oProxyCommand=id",
                "me@host",
                "\u202e1.0.0.01")) {
            assertThatThrownBy(() -> SshCommand.checked(address))
                    .as(address)
                    .isInstanceOf(CommandException.class)
                    .hasMessageContaining("which is no address: ssh is not started");
        }
    }

    @Test
    void aHostMayHaveAUserAndAPort() {
        assertThat(SshCommand.to("jump")).containsExactly("--", "jump");
        assertThat(SshCommand.to("me@jump")).containsExactly("--", "me@jump");
        assertThat(SshCommand.to("me@jump:2222")).containsExactly("-p", "2222", "--", "me@jump");
        assertThat(SshCommand.to("fd00::1")).containsExactly("--", "fd00::1");
        assertThat(SshCommand.to("[fd00::1]")).containsExactly("--", "fd00::1");
        assertThat(SshCommand.to("[fd00::1]:22")).containsExactly("-p", "22", "--", "fd00::1");
    }

    /** What the command that ssh connects by comes to: percent signs are ssh's, and a shell reads the rest. */
    private static List<String> proxy(GlobalOptions global, String host) throws Exception {
        List<String> command = command(global);
        assertThat(command).doesNotContain("-J");
        String given = command.stream()
                .filter(word -> word.startsWith("ProxyCommand="))
                .findFirst()
                .orElseThrow()
                .substring("ProxyCommand=".length());
        String expanded = given.replace("%%", "\0")
                .replace("%h", host)
                .replace("%p", "22")
                .replace("\0", "%");
        Process shell = new ProcessBuilder("sh", "-c", "printf '%s\\n' " + expanded).start();
        return List.of(new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .strip()
                .split("\n", -1));
    }

    private static List<String> command(GlobalOptions global) {
        var terminal = new Terminal(System.in, System.out, System.err, Map.of(), Path.of("."), false);
        try (var session = new Session(terminal, global)) {
            return new SshCommand(session).command("10.0.0.1", List.of("uptime"));
        }
    }
}
