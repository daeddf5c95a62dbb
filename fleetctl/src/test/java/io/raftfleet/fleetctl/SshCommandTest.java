package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

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

    private static List<String> command(GlobalOptions global) {
        var terminal = new Terminal(System.in, System.out, System.err, Map.of(), Path.of("."), false);
        try (var session = new Session(terminal, global)) {
            return new SshCommand(session).command("10.0.0.1", List.of("uptime"));
        }
    }
}
