package io.raftfleet.agent.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.FindLeaderRequest;
import io.raftfleet.proto.agent.FindLeaderResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Asks all configured engines at once who leads. Machines of one process that ask at the same time share a round. Safe for
 * use by any thread; the state of a round is guarded by the round, the current round by this.
 */
public final class LeaderFinder {
    /**
     * What one engine answered.
     *
     * @param address where it was asked
     */
    public record Answer(String address, FindLeaderResponse response) {}

    private final EngineChannels engines;
    private final Duration limit;

    @GuardedBy("this")
    private @Nullable Round current;

    /**
     * Asks the engines of {@code engines}.
     *
     * @param limit how long a round may take; engines that did not answer by then are left out
     */
    public LeaderFinder(EngineChannels engines, Duration limit) {
        this.engines = engines;
        this.limit = limit;
    }

    /** Whom it asks. */
    EngineChannels engines() {
        return engines;
    }

    /**
     * The answers of a round: complete as soon as an engine says that it leads and a majority answered that knows of no
     * higher term, since none can have been elected without that majority; otherwise once all have answered or failed, or
     * the limit is over. Never fails; an empty list says that no engine could be reached.
     */
    public CompletableFuture<List<Answer>> ask() {
        Round round;
        synchronized (this) {
            if (current != null && !current.result.isDone()) {
                return current.result;
            }
            round = new Round(engines.configured().size());
            current = round;
        }
        for (String address : engines.configured()) {
            AgentGatewayGrpc.newStub(engines.to(address))
                    .withDeadlineAfter(limit.toMillis(), TimeUnit.MILLISECONDS)
                    .findLeader(FindLeaderRequest.getDefaultInstance(), round.observer(address));
        }
        return round.result;
    }

    private static final class Round {
        final CompletableFuture<List<Answer>> result = new CompletableFuture<>();
        private final int asked;

        @GuardedBy("this")
        private final List<Answer> answers = new ArrayList<>();

        @GuardedBy("this")
        private int failed;

        Round(int asked) {
            this.asked = asked;
        }

        StreamObserver<FindLeaderResponse> observer(String address) {
            return new StreamObserver<>() {
                @Override
                public void onNext(FindLeaderResponse response) {
                    add(new Answer(address, response));
                }

                @Override
                public void onError(Throwable cause) {
                    add(null);
                }

                @Override
                public void onCompleted() {}
            };
        }

        private void add(@Nullable Answer answer) {
            List<Answer> complete;
            synchronized (this) {
                if (answer == null) {
                    failed++;
                } else {
                    answers.add(answer);
                }
                if (answers.size() + failed < asked && !decided()) {
                    return;
                }
                complete = List.copyOf(answers);
            }
            result.complete(complete);
        }

        @GuardedBy("this")
        private boolean decided() {
            long leading = -1;
            for (Answer answer : answers) {
                if (answer.response().getLeading()) {
                    leading = Math.max(leading, answer.response().getTerm());
                }
            }
            int knowNoHigher = 0;
            for (Answer answer : answers) {
                if (answer.response().getTerm() <= leading) {
                    knowNoHigher++;
                }
            }
            return leading >= 0 && knowNoHigher > asked / 2;
        }
    }
}
