package io.raftfleet.chaos.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvidenceTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 1, 2, 3, 4, 5);

    @TempDir
    Path dir;

    @Test
    void noDirectoryIsUsedTwice() throws IOException {
        var one = Evidence.fresh(dir.resolve("out"), 7, NOW);
        var other = Evidence.fresh(dir.resolve("out"), 7, NOW);
        assertThat(one).hasFileName("20260102-030405-seed-7").isDirectory();
        assertThat(other).hasFileName("20260102-030405-seed-7-2").isDirectory();
    }

    @Test
    void dataAreKeptWithoutWhatCantBe() throws IOException {
        var from = Files.createDirectories(dir.resolve("from/e1"));
        Files.writeString(from.resolve("log"), "entries");
        Files.createSymbolicLink(from.resolve("link"), Path.of("nowhere"));
        try (var socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            socket.bind(UnixDomainSocketAddress.of(from.resolve("socket")));
            Evidence.copy(dir.resolve("from"), dir.resolve("to"));
        }
        var to = dir.resolve("to/e1");
        assertThat(to.resolve("log")).hasContent("entries");
        assertThat(Files.isSymbolicLink(to.resolve("link"))).isTrue();
        assertThat(Files.exists(to.resolve("socket"))).isFalse();

        Evidence.remove(dir.resolve("from"));
        assertThat(dir.resolve("from")).doesNotExist();
        Evidence.remove(dir.resolve("from"));
    }
}
