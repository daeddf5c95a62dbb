package io.raftfleet.bench.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class LiveHeapTest {
    @Test
    void thisProcessUsesSomeOfItsHeap() throws IOException, InterruptedException {
        assertThat(LiveHeap.of(ProcessHandle.current().pid()))
                .isBetween(1L << 20, Runtime.getRuntime().maxMemory());
    }

    @Test
    void whatIsNoHistogramIsSaid() {
        assertThatThrownBy(() -> LiveHeap.total("7: no such process\n"))
                .isInstanceOf(IOException.class)
                .hasMessage("no class histogram: [7: no such process]");
    }
}
