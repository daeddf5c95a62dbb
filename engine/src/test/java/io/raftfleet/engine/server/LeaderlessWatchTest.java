package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftView;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class LeaderlessWatchTest {
    private static final EnginePeer E1 = new EnginePeer("e1", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3");
    private static final EnginePeer E2 = new EnginePeer("e2", "127.0.0.1:4", "127.0.0.1:5", "127.0.0.1:6");

    private final Logger logger = (Logger) LoggerFactory.getLogger(LeaderlessWatch.class);
    private final ListAppender<ILoggingEvent> written = new ListAppender<>();
    private long nanos = Long.MAX_VALUE - 30_000_000_000L;
    private final LeaderlessWatch watch = new LeaderlessWatch("e2", this::view, () -> nanos);
    private @Nullable EnginePeer leader = E1;

    @BeforeEach
    void listen() {
        written.start();
        logger.addAppender(written);
    }

    @AfterEach
    void leave() {
        logger.detachAppender(written);
    }

    @Test
    void anElectionIsNotSpokenOf() {
        seconds(3);
        leader = null;
        seconds(10);
        leader = E2;
        seconds(100);
        assertThat(written.list).isEmpty();
    }

    @Test
    void anEngineThatIsCutOffSaysSoOnceAMinuteAndWhenItIsOver() {
        leader = null;
        seconds(11);
        assertThat(texts())
                .singleElement()
                .asString()
                .contains("engine e2 has known no leader for 10 s: fewer than a majority of [e1, e2] reach each other");
        seconds(660);
        assertThat(texts()).hasSize(12);
        leader = E1;
        seconds(100);
        assertThat(texts()).hasSize(13);
        assertThat(texts().getLast()).isEqualTo("engine e2 knows a leader again, e1, after 671 s");
    }

    private void seconds(int count) {
        for (int second = 0; second < count; second++) {
            watch.look();
            nanos += 1_000_000_000L;
        }
    }

    private List<String> texts() {
        return written.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private RaftView view() {
        return new RaftView(RaftView.Role.FOLLOWER, 3, 0, 0, 0, List.of(E2, E1), leader, 0, 0, Map.of(), Map.of());
    }
}
