package io.raftfleet.agent.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.raftfleet.agent.manager.LogSource;
import io.raftfleet.proto.agent.LogUpload;
import io.raftfleet.proto.agent.OpenLog;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LogUploadsTest {
    private final List<LogUpload> frames = new CopyOnWriteArrayList<>();
    private final AtomicInteger ends = new AtomicInteger();
    private final LogUploads uploads = new LogUploads(new Nothing(), 1);
    private final Engine engine = new Engine();

    @Test
    void whoOpensAnotherLogWhenOneEndsIsNotRefused() {
        open();
        await().until(() -> ends.get() == 20);
        assertThat(frames)
                .hasSize(20)
                .allSatisfy(frame -> assertThat(frame.getError()).isEmpty());
    }

    private void open() {
        uploads.open(
                engine,
                OpenLog.newBuilder()
                        .setUnit("a.service")
                        .setKind(OpenLog.Kind.STATUS)
                        .build());
    }

    /** Asks for the next log as soon as one has ended, on the thread that says so. */
    private final class Engine extends Channel {
        @Override
        public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
            return new ClientCall<>() {
                @Override
                public void start(Listener<A> listener, Metadata headers) {}

                @Override
                public void request(int count) {}

                @Override
                public void cancel(@Nullable String message, @Nullable Throwable cause) {}

                @Override
                public void halfClose() {
                    if (ends.incrementAndGet() < 20) {
                        open();
                    }
                }

                @Override
                public void sendMessage(Q frame) {
                    frames.add((LogUpload) frame);
                }
            };
        }

        @Override
        public String authority() {
            return "engine";
        }
    }

    private static final class Nothing implements LogSource {
        @Override
        public InputStream journal(String unit, int lines, boolean follow, String output) {
            return status(unit);
        }

        @Override
        public InputStream status(String unit) {
            return new ByteArrayInputStream(new byte[0]);
        }

        @Override
        public InputStream contents(String unit) {
            return status(unit);
        }
    }
}
