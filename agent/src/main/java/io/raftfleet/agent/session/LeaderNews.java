package io.raftfleet.agent.session;

import io.grpc.stub.StreamObserver;
import io.raftfleet.agent.loop.Backoff;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.FindLeaderRequest;
import io.raftfleet.proto.agent.FindLeaderResponse;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Hears from every configured engine when it comes to lead, through one quiet call an engine and process. A call that ends is
 * made again after 0.5 to 5 s; until then the machines find the leader as they do without news.
 *
 * <p>Safe for use by any thread; the state of one engine's call is handed from callback to callback.
 */
public final class LeaderNews {
    private static final Duration FIRST_RETRY = Duration.ofMillis(500);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(5);

    private final EngineChannels engines;
    private final ScheduledExecutorService timer;
    private final SplittableRandom random;
    private final List<Consumer<LeaderFinder.Answer>> listeners = new CopyOnWriteArrayList<>();

    /**
     * Silent until {@link #start}.
     *
     * @param timer waits before calls that ended are made again; its end is the end of the news
     */
    public LeaderNews(EngineChannels engines, ScheduledExecutorService timer, SplittableRandom random) {
        this.engines = engines;
        this.timer = timer;
        this.random = random;
    }

    /** Has the listener told, on any thread, of each engine that says it leads. It may not block. */
    public void add(Consumer<LeaderFinder.Answer> listener) {
        listeners.add(listener);
    }

    /** Calls all configured engines. To be called once. */
    public void start() {
        engines.configured().forEach(address -> new Call(address).open());
    }

    /** The call to one engine, again and again. */
    private final class Call implements StreamObserver<FindLeaderResponse> {
        private final String address;
        private final Backoff backoff;

        Call(String address) {
            this.address = address;
            this.backoff = new Backoff(FIRST_RETRY, LONGEST_RETRY, random.split());
        }

        void open() {
            AgentGatewayGrpc.newStub(engines.to(address)).watchLeader(FindLeaderRequest.getDefaultInstance(), this);
        }

        @Override
        public void onNext(FindLeaderResponse response) {
            backoff.reset();
            if (response.getLeading()) {
                var answer = new LeaderFinder.Answer(address, response);
                listeners.forEach(listener -> listener.accept(answer));
            }
        }

        @Override
        public void onError(Throwable cause) {
            again();
        }

        @Override
        public void onCompleted() {
            again();
        }

        private void again() {
            try {
                var unused = timer.schedule(this::open, backoff.next().toNanos(), TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException e) {
                // The process ends.
            }
        }
    }
}
