package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.StatusRuntimeException;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class NameFilterTest {
    @Test
    @DisplayName("exact names, escaped ones too, cost no matches however many there are")
    void namesCostNothing() {
        var filter = new NameFilter(IntStream.range(0, 5_000)
                .boxed()
                .flatMap(i -> List.of("dev-a\\x2d" + i + ".mount", "dev-a\\\\x2d" + i + ".mount").stream())
                .toList());
        assertThat(filter.cost()).isOne();
        assertThat(filter.admits("dev-a\\x2d4711.mount")).isTrue();
        assertThat(filter.admits("dev-a\\x2d5000.mount")).isFalse();
        var escaped = new NameFilter(List.of("a\\*b.service"));
        assertThat(escaped.admits("a*b.service")).isTrue();
        assertThat(escaped.admits("aab.service")).isFalse();
    }

    @Test
    @DisplayName("names and globs have limits in number and length, told with what to do")
    void limits() {
        refused(Collections.nCopies(10_001, "a.service"), "at most 10000");
        refused(IntStream.range(0, 257).mapToObj(i -> "*" + i).toList(), "more than 256 globs");
        refused(List.of("a".repeat(1025)), "at most 1024");
        refused(List.of("a["), "INVALID_ARGUMENT: pattern \"a[\": it has");
        refused(List.of("a\\"), "INVALID_ARGUMENT: pattern \"a\\\\\": it ends");
        assertThat(new NameFilter(IntStream.range(0, 256).mapToObj(i -> "*" + i).toList()).cost())
                .isEqualTo(257);
    }

    private static void refused(List<String> patterns, String words) {
        assertThatThrownBy(() -> new NameFilter(patterns))
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("INVALID_ARGUMENT")
                .hasMessageContaining(words);
    }
}
