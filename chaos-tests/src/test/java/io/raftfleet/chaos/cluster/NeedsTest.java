package io.raftfleet.chaos.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What is missing is told in one line, with what to install. */
class NeedsTest {
    @Test
    void programs() {
        assertThat(Needs.programs("sh")).isEmpty();
        assertThat(Needs.programs("sh", "no-such-program"))
                .isEqualTo("not installed: no-such-program; apt-get install no-such-program");
    }

    @Test
    void headersOfLibraries() {
        assertThat(Needs.explained("""
                        gcc -O2 failed with 1: slownet.c:8:10: fatal error: libnetfilter_queue/libnetfilter_queue.h: No such file or directory
                            8 | #include <libnetfilter_queue/libnetfilter_queue.h>
                        compilation terminated."""))
                .isEqualTo("not installed: the headers of netfilter_queue; apt-get install libnetfilter-queue-dev");
        assertThat(Needs.explained("pkg-config --cflags --libs fuse3 failed with 1: Package fuse3 was not found"))
                .isEqualTo("not installed: the headers of fuse; apt-get install libfuse3-dev");
        assertThat(Needs.explained("gcc failed with 1: ld: cannot find -lnetfilter_queue: No such file"))
                .contains("apt-get install");
    }

    @Test
    void anythingElseInOneLine() {
        assertThat(Needs.explained("one\n  two")).isEqualTo("one two");
        assertThat(Needs.explained("x".repeat(1_000))).hasSizeLessThan(300);
    }
}
