package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.JournalFeed.Lines;
import io.raftfleet.identity.Role;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.fleet.LogChunk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PolledLogsTest {
    private static final Duration WAIT = Duration.ofSeconds(10);

    private final AtomicLong nanos = new AtomicLong();
    private final List<ServerCallStreamObserver<LogChunk>> readers = new ArrayList<>();
    private final PolledLogs logs =
            new PolledLogs((request, reader) -> readers.add(reader), new Random(1), Runnable::run, nanos::get);

    private CompletableFuture<Lines> open() {
        return logs.open(JournalRequest.newBuilder().setUnit("a.service").build(), WAIT);
    }

    private void write(String text) {
        readers.getLast()
                .onNext(LogChunk.newBuilder()
                        .setData(ByteString.copyFromUtf8(text))
                        .build());
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
        logs.look();
    }

    @Test
    void wholeLinesAreToldAsTheyComeAndNoneTwice() {
        var first = open();
        assertThat(first).isNotDone();
        write("one\ntw");
        assertThat(first.join().text()).isEqualTo("one\n");
        write("o\n");
        write("three\n");
        var second = logs.more(first.join().log(), WAIT);
        assertThat(second.join().text()).isEqualTo("two\nthree\n");
        var nothing = logs.more(first.join().log(), WAIT);
        pass(WAIT.minusNanos(1));
        assertThat(nothing).isNotDone();
        pass(Duration.ofNanos(1));
        assertThat(nothing.join().text()).isEmpty();
        assertThat(nothing.join().ended()).isFalse();
    }

    @Test
    void takesNoMoreWhileNobodyAsks() {
        var ready = new AtomicInteger();
        var first = open();
        readers.getLast().setOnReadyHandler(ready::incrementAndGet);
        write("one\n");
        int before = ready.get();
        write("x".repeat(PolledLogs.BUFFER - 1) + "\n");
        assertThat(readers.getLast().isReady()).isFalse();
        assertThat(ready).hasValue(before);
        assertThat(logs.more(first.join().log(), WAIT).join().text()).hasSize(PolledLogs.BUFFER);
        assertThat(readers.getLast().isReady()).isTrue();
        assertThat(ready).hasValueGreaterThan(before);
    }

    @Test
    void itsEndAndItsFailureAreToldAfterWhatCameBefore() {
        var first = open();
        write("last");
        readers.getLast().onCompleted();
        assertThat(first.join()).isEqualTo(new Lines(first.join().log(), "last", true));
        assertThatThrownBy(() -> logs.more(first.join().log(), WAIT).join()).hasMessageContaining("open it again");

        var other = open();
        write("last\n");
        readers.getLast()
                .onError(Status.UNAVAILABLE
                        .withDescription("the agent went away")
                        .asRuntimeException());
        assertThat(other.join().ended()).isFalse();
        assertThatThrownBy(() -> logs.more(other.join().log(), WAIT).join())
                .hasMessageContaining("the agent went away");
    }

    @Test
    void whatNobodyAsksAfterIsClosedAndNoMoreAreOpenThanMay() {
        var cancelled = new AtomicBoolean();
        var first = open();
        readers.getLast().setOnCancelHandler(() -> cancelled.set(true));
        write("one\n");
        for (int i = 1; i < PolledLogs.MOST; i++) {
            assertThat(open()).isNotDone();
        }
        assertThatThrownBy(() -> open().join()).hasMessageContaining("as many journals are followed");
        pass(PolledLogs.FORGOTTEN);
        assertThat(cancelled).isTrue();
        assertThatThrownBy(() -> logs.more(first.join().log(), WAIT).join()).hasMessageContaining("open it again");
        assertThat(open()).as("there is room again").isNotDone();
    }

    @Test
    void whoFollowsAsManyAsMayLeavesOthersTheirs() throws Exception {
        var eve = new Caller(Caller.Kind.USER, "eve", Optional.of(Role.VIEWER)).in(Context.ROOT);
        var bob = new Caller(Caller.Kind.USER, "bob", Optional.of(Role.VIEWER)).in(Context.ROOT);
        for (int i = 0; i < PolledLogs.MOST_OF_ONE; i++) {
            assertThat(eve.call(this::open)).isNotDone();
        }
        var oneMore = eve.call(this::open);
        assertThat(oneMore).isCompletedExceptionally();
        assertThatThrownBy(oneMore::join)
                .hasMessageContaining("16 journals are followed by user/eve")
                .hasMessageContaining("close some");
        assertThat(bob.call(this::open)).isNotDone();
        pass(PolledLogs.FORGOTTEN);
        pass(PolledLogs.FORGOTTEN);
        assertThat(eve.call(this::open)).as("there is room again").isNotDone();
    }

    @Test
    void anEngineThatStopsKeepsNobodyWaiting() {
        var asked = open();
        logs.end();
        assertThatThrownBy(asked::join).hasMessageContaining("the engine is stopping");
    }
}
