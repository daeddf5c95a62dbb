package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.Registry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ReadsTest {
    private static final Duration DEADLINE = Duration.ofSeconds(10);

    private final Registry registry = new Registry(10);
    private final Queue<Runnable> threads = new ArrayDeque<>();
    private final CompletableFuture<Long> round = new CompletableFuture<>();
    private final Reads reads =
            new Reads(registry, deadline -> round, units -> CompletableFuture.completedFuture(Map.of()), threads::add);

    @BeforeEach
    void create() {
        registry.apply(
                1,
                1,
                Entry.newBuilder()
                        .setFormat(1)
                        .addRecords(Record.newBuilder()
                                .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(7)))
                        .build());
    }

    @Test
    @DisplayName("whoever finds the read index does not build the pages of all who waited for it")
    void pagesAreBuiltByReaders() {
        var first = reads.listUnits(ListUnitsRequest.getDefaultInstance(), DEADLINE);
        var second = reads.listUnits(ListUnitsRequest.getDefaultInstance(), DEADLINE);
        round.complete(1L);
        assertThat(first).isNotDone();
        assertThat(second).isNotDone();
        threads.forEach(Runnable::run);
        assertThat(first).isCompleted();
        assertThat(second).isCompleted();
    }

    @Test
    @DisplayName("nor does whoever serves the connection, when the read may be stale")
    void stalePagesAreBuiltByReaders() {
        var stale = reads.listUnits(
                ListUnitsRequest.newBuilder()
                        .setRead(ReadOptions.newBuilder().setStale(true))
                        .build(),
                DEADLINE);
        assertThat(stale).isNotDone();
        threads.forEach(Runnable::run);
        assertThat(stale).isCompleted();
    }
}
