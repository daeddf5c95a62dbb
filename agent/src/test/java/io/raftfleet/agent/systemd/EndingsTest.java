package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class EndingsTest {
    @Test
    void saysHowTheMainProcessEnded() {
        assertThat(Endings.words("exit-code", 1, 3)).isEqualTo("its main process exited with status 3");
        assertThat(Endings.words("exit-code", 1, 203)).contains("203/EXEC", "its program can't be run");
        assertThat(Endings.words("exit-code", 0, 0)).contains("ExecStartPre=");
        assertThat(Endings.words("signal", 2, 9)).isEqualTo("its main process was killed by signal 9/KILL");
        assertThat(Endings.words("signal", 2, 64)).isEqualTo("its main process was killed by signal 64");
        assertThat(Endings.words("core-dump", 3, 11))
                .isEqualTo("its main process was killed by signal 11/SEGV, with a core dump");
        assertThat(Endings.words("start-limit-hit", 1, 1))
                .endsWith("; the last time its main process exited with status 1");
        assertThat(Endings.words("start-limit-hit", 0, 0)).doesNotContain("the last time");
    }

    @Test
    void everyResultOfSystemdHasWordsAndSuccessHasNone() {
        for (String result : List.of(
                "timeout",
                "watchdog",
                "start-limit-hit",
                "service-start-limit-hit",
                "unit-start-limit-hit",
                "trigger-limit-hit",
                "resources",
                "oom-kill",
                "protocol",
                "exec-condition",
                "of-a-later-version")) {
            assertThat(Endings.words(result, 0, 0)).as(result).isNotEmpty();
        }
        assertThat(Endings.words("success", 1, 0)).isEmpty();
        assertThat(Endings.words("", 0, 0)).isEmpty();
    }
}
