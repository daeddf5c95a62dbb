package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.fleet.ListEventsResponse;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.Event;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
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

    @Test
    @DisplayName("events come in pages without a gap or a double, by unit, machine, time and revision")
    void eventsArePaged() {
        for (int i = 1; i <= 10; i++) {
            var id = String.format("%032x", i);
            registry.apply(
                    1,
                    1 + i,
                    Entry.newBuilder()
                            .setFormat(EntryFormats.WITH_EVENTS)
                            .setLeaderTimeMs(1000L * i)
                            .addRecords(Record.newBuilder()
                                    .setSessionOpened(SessionOpened.newBuilder()
                                            .setMachineId(id)
                                            .setSessionEpoch(1)))
                            .build());
        }
        var all = events(ListEventsRequest.getDefaultInstance());
        assertThat(all.getGap()).isFalse();
        assertThat(all.getEventsList()).hasSize(10).extracting(Event::getTimeMs).isSorted();
        var paged = new ArrayList<Event>();
        var page = Page.newBuilder().setSize(3);
        do {
            var some = events(ListEventsRequest.newBuilder().setPage(page).build());
            paged.addAll(some.getEventsList());
            page.setToken(some.getNextToken());
        } while (!page.getToken().isEmpty());
        assertThat(paged).isEqualTo(all.getEventsList());
        assertThat(events(ListEventsRequest.newBuilder().setSinceMs(9000).build())
                        .getEventsCount())
                .isEqualTo(2);
        assertThat(events(ListEventsRequest.newBuilder()
                                .setMachineId(String.format("%032x", 4))
                                .build())
                        .getEventsCount())
                .isEqualTo(1);
        assertThat(events(ListEventsRequest.newBuilder().addNames("*.service").build())
                        .getEventsCount())
                .isZero();
        var fourth = all.getEvents(3).getRevision();
        assertThat(events(ListEventsRequest.newBuilder().setAfter(fourth).build())
                        .getEventsList())
                .isEqualTo(all.getEventsList().subList(4, 10));
        assertThat(events(ListEventsRequest.newBuilder()
                                .setAfter(fourth.toBuilder().setIncarnation(8))
                                .build())
                        .getEventsCount())
                .as("a revision of another life")
                .isEqualTo(10);
        assertThat(events(ListEventsRequest.newBuilder()
                                .setAfter(fourth.toBuilder().setIndex(-1))
                                .build())
                        .getEventsCount())
                .isZero();
    }

    private ListEventsResponse events(ListEventsRequest request) {
        var stale = ReadOptions.newBuilder().setStale(true);
        var answer = reads.listEvents(request.toBuilder().setRead(stale).build(), DEADLINE);
        threads.forEach(Runnable::run);
        threads.clear();
        return answer.join();
    }
}
