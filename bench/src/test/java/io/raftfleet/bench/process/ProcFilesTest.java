package io.raftfleet.bench.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ProcFilesTest {
    @Test
    void processorTimeIsThatOfUserAndKernel() {
        assertThat(ProcFiles.cpuSeconds("12 (java) S 1 12 12 0 -1 4194560 100 0 2 0 150 50 7 8 20 0 30 0 99 1 2\n"))
                .isEqualTo(2.0);
    }

    @Test
    void aNameMayHoldParenthesesAndSpaces() {
        assertThat(ProcFiles.cpuSeconds("12 (a) b (c) S 1 12 12 0 -1 4194560 100 0 2 0 1 2 7 8 20 0 30"))
                .isEqualTo(0.03);
    }

    @Test
    void whatIsNoStatIsRefused() {
        assertThatThrownBy(() -> ProcFiles.cpuSeconds("nothing")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void memoryIsReadByItsName() {
        var text = "Rss:   2000 kB\nPss_Dirty:  7 kB\nPss:     1500 kB\n";
        assertThat(ProcFiles.kib(text, "Pss")).isEqualTo(1500);
        assertThatThrownBy(() -> ProcFiles.kib(text, "Swap")).hasMessageContaining("no Swap");
    }

    @Test
    void thisProcessHasMemoryAndTime() {
        long self = ProcessHandle.current().pid();
        assertThat(ProcessMeter.pssMib(self)).isPositive();
        assertThat(ProcessMeter.cpuSeconds(self)).isPositive();
    }
}
