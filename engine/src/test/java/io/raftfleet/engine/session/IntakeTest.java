package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.stub.ServerCallStreamObserver;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class IntakeTest {
    @Test
    @DisplayName("no frame is asked for while the agent does not read; all that are owed are once it does")
    void asksOnlyWhenThereIsRoom() {
        var stream = new Stream();
        var intake = new Intake(stream);
        intake.ask();
        assertThat(stream.asked).isOne();
        stream.ready = false;
        for (int i = 0; i < 100; i++) {
            intake.ask();
        }
        intake.ready();
        assertThat(stream.asked).isOne();
        stream.ready = true;
        intake.ready();
        intake.ready();
        assertThat(stream.asked).isEqualTo(101);
    }

    private static final class Stream extends ServerCallStreamObserver<Object> {
        boolean ready = true;
        int asked;

        @Override
        public boolean isReady() {
            return ready;
        }

        @Override
        public void request(int count) {
            asked += count;
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public void setOnCancelHandler(Runnable onCancelHandler) {}

        @Override
        public void setCompression(String compression) {}

        @Override
        public void setOnReadyHandler(Runnable onReadyHandler) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void onNext(Object value) {}

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onCompleted() {}
    }
}
