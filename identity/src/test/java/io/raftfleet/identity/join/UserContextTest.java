package io.raftfleet.identity.join;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class UserContextTest {
    @Test
    void aHomeThatCanBeNoPathIsNone() {
        assertThat(UserContext.home(Map.of("HOME", "/home/a"))).contains(Path.of("/home/a/.config/raftfleet"));
        assertThat(UserContext.home(Map.of("HOME", "/home/a", "XDG_CONFIG_HOME", "/etc/a")))
                .contains(Path.of("/etc/a/raftfleet"));
        assertThat(UserContext.home(Map.of())).isEmpty();
        // As a letter is that the locale has not.
        assertThat(UserContext.home(Map.of("HOME", "/home/\0"))).isEmpty();
        assertThat(UserContext.home(Map.of("HOME", "/home/a", "XDG_CONFIG_HOME", "\0")))
                .isEmpty();
    }
}
