package io.raftfleet.engine.control;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.raft.ReplicationException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Proposes entries for the decision thread, and waits for what becomes of them. */
final class Committer {
    private static final Logger log = LoggerFactory.getLogger(Committer.class);

    /** After this long without an answer from the log an entry's fate is unknown. */
    private static final Duration DEADLINE = Duration.ofSeconds(10);

    private final String engineId;
    private final Controller.Proposer proposer;

    Committer(String engineId, Controller.Proposer proposer) {
        this.engineId = engineId;
        this.proposer = proposer;
    }

    /** Newest format of entries that all engines read, as far as is known. */
    int agreedFormat() {
        return proposer.agreedFormat();
    }

    Outcome propose(Entry entry) throws InterruptedException {
        try {
            return new Outcome.Applied(
                    proposer.propose(entry, DEADLINE).get(DEADLINE.toMillis() + 1000, TimeUnit.MILLISECONDS));
        } catch (ExecutionException e) {
            return failed(e.getCause());
        } catch (TimeoutException e) {
            log.warn("engine {} got no answer from its log within {}", engineId, DEADLINE);
            return new Outcome.Unknown("its log did not answer");
        }
    }

    private Outcome failed(@Nullable Throwable cause) {
        if (cause instanceof IllegalArgumentException fault) {
            return new Outcome.AtFault(fault);
        }
        if (cause instanceof ReplicationException.NotLeader notLeader) {
            return notWritten(notLeader);
        }
        if (cause instanceof ReplicationException.Unavailable unavailable) {
            return notWritten(unavailable);
        }
        log.info("engine {} could not commit an entry: {}", engineId, String.valueOf(cause));
        return new Outcome.Unknown("it lost touch with the others");
    }

    private Outcome notWritten(ReplicationException cause) {
        log.info("engine {} could not write an entry: {}", engineId, cause.getMessage());
        return new Outcome.NotWritten(String.valueOf(cause.getMessage()));
    }
}
