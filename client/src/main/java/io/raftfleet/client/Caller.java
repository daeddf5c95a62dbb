package io.raftfleet.client;

import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Sends unary calls until one endpoint answers, within a deadline. Goes to the next endpoint at once, and waits between rounds over
 * all of them: 50 ms, doubled each round up to a second, half of it random; where an engine has refused a call for now, not before it says. An attempt gets half of what is left while there
 * are others to ask, so that an engine which hangs does not use up the whole deadline; while an endpoint is not connected, others are
 * connected to as well ({@link ConnectionRace}), and one that falls silent is left ({@link Pulse}). An attempt by way of a {@link Gateway} lasts as long as its requests are answered.
 *
 * <p>Thread-safe; an attempt's state is handed from callback to callback and never shared.
 */
final class Caller {
    private static final long FIRST_WAIT = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long LONGEST_WAIT = TimeUnit.SECONDS.toNanos(1);
    private static final long SHORTEST_ATTEMPT = TimeUnit.MILLISECONDS.toNanos(250);
    /** Rounds in which every endpoint refuses the connection, after which an impatient client gives up. */
    private static final int IMPATIENT_ROUNDS = 2;

    private final Connections connections;
    private final ClientOptions options;
    private final Semaphore inFlight;

    Caller(Connections connections, ClientOptions options) {
        this.connections = connections;
        this.options = options;
        this.inFlight = new Semaphore(options.maxInFlight());
    }

    /** How long to wait before round {@code round}, from 1, in nanoseconds. */
    static long backoff(int round, java.util.random.RandomGenerator random) {
        long wait = Math.min(LONGEST_WAIT, FIRST_WAIT << Math.min(round - 1, 10));
        return wait / 2 + (long) (random.nextDouble() * wait / 2);
    }

    /** Fails with {@link FleetClientException} only. */
    <Q, R> CompletableFuture<R> call(MethodDescriptor<Q, R> method, Q request, Duration timeout) {
        return call(method, request, timeout, connections.preferred(), false);
    }

    /** As {@link #call(MethodDescriptor, Object, Duration)}, but asks this endpoint alone, once. */
    <Q, R> CompletableFuture<R> callOne(MethodDescriptor<Q, R> method, Q request, Duration timeout, int endpoint) {
        return call(method, request, timeout, endpoint, true);
    }

    private <Q, R> CompletableFuture<R> call(
            MethodDescriptor<Q, R> method, Q request, Duration timeout, int first, boolean once) {
        if (!inFlight.tryAcquire()) {
            return CompletableFuture.failedFuture(new FleetClientException(
                    Status.Code.RESOURCE_EXHAUSTED,
                    options.maxInFlight() + " calls are under way already: wait for some before sending more",
                    null));
        }
        var call = new Call<>(method, request, timeout, first, once);
        call.attempt();
        return call.result;
    }

    private final class Call<Q, R> {
        final CompletableFuture<R> result = new CompletableFuture<>();
        private final MethodDescriptor<Q, R> method;
        private final Q request;
        private final Duration timeout;
        private final long deadline;
        private final boolean once;
        private final Failures failures = new Failures();
        private int endpoint;
        private int attempts;
        /** Whether one of the attempts may have been carried out. */
        private boolean uncertain;

        Call(MethodDescriptor<Q, R> method, Q request, Duration timeout, int first, boolean once) {
            this.method = method;
            this.request = request;
            this.timeout = timeout;
            this.deadline = System.nanoTime() + timeout.toNanos();
            this.endpoint = first;
            this.once = once;
        }

        private long left() {
            return deadline - System.nanoTime();
        }

        /** Goes to the endpoint, or, as long as that is not connected, to whichever is connected first. */
        void attempt() {
            if (once || connections.size() == 1) {
                send();
                return;
            }
            try {
                if (connections.connected(endpoint)) {
                    send();
                    return;
                }
                var unused = ConnectionRace.run(connections, endpoint, Duration.ofNanos(Math.max(1, left() / 2)))
                        .thenAccept(winner -> {
                            if (winner != endpoint) {
                                endpoint = winner;
                                connections.prefer(winner);
                            }
                            send();
                        });
            } catch (IllegalStateException e) {
                fail(closed(e));
            } catch (FleetClientException e) {
                fail(e); // What it is to show can't be read.
            }
        }

        private static FleetClientException closed(IllegalStateException e) {
            return new FleetClientException(Status.Code.CANCELLED, "the client is closed", e);
        }

        private void send() {
            long left = left();
            long share = once || connections.size() == 1 ? left : Math.max(left / 2, Math.min(left, SHORTEST_ATTEMPT));
            var options = CallOptions.DEFAULT.withOption(Pulse.UNWATCHED, once);
            if (!byRequests()) {
                options = options.withDeadlineAfter(Math.max(share, 1), TimeUnit.NANOSECONDS);
            } // Elsewhere a call is as many requests as it has items, or pages: the gateway gives each of them its
            // time.
            try {
                ClientCalls.asyncUnaryCall(
                        connections.channel(endpoint).newCall(method, options), request, new Answer());
            } catch (IllegalStateException e) {
                fail(closed(e));
            } catch (FleetClientException e) {
                fail(e);
            }
        }

        /** Whether the endpoint is reached by a gateway. */
        private boolean byRequests() {
            return connections.endpoint(endpoint).kind() != Endpoint.Kind.GRPC;
        }

        private void failed(Status status, @Nullable Metadata trailers) {
            Endpoint asked = connections.endpoint(endpoint);
            uncertain |= !Failures.changedNothing(status);
            @Nullable FleetClientException own = connections.ownFault(status);
            if (own != null) {
                fail(own);
                return;
            }
            if (!Failures.worthRetrying(status) || RetryHint.never(trailers)) {
                fail(Failures.refused(status, trailers, asked));
                return;
            }
            attempts++;
            failures.add(asked, status);
            options.debug()
                    .accept(method.getBareMethodName() + " at " + asked + ": " + status.getCode() + ", "
                            + Failures.reason(status));
            boolean roundOver = attempts % connections.size() == 0;
            int round = attempts / connections.size();
            boolean hopeless = roundOver
                    && !options.patient()
                    && round >= IMPATIENT_ROUNDS
                    && failures.allUnreachable(connections.size());
            var random = Caller.this.options.random();
            boolean crowded = status.getCode() == Status.Code.RESOURCE_EXHAUSTED;
            long wait = roundOver || crowded
                    ? Math.max(backoff(Math.max(round, 1), random), RetryHint.wait(trailers, random))
                    : 0;
            boolean unasked = !once && byRequests() && attempts < connections.size();
            if (!once) {
                connections.prefer(connections.after(endpoint));
            }
            if (once || hopeless || (left() <= wait && !unasked)) {
                fail(
                        once && connections.size() > 1
                                ? failures.unanswered(name(), status, timeout, asked)
                                : byRequests()
                                        ? failures.unanswered(name(), status)
                                        : failures.unanswered(name(), status, timeout));
                return;
            }
            endpoint = connections.after(endpoint);
            if (wait == 0) {
                attempt();
                return;
            }
            CompletableFuture.delayedExecutor(wait, TimeUnit.NANOSECONDS).execute(() -> {
                connections.connectAllAtOnce();
                attempt();
            });
        }

        private void fail(FleetClientException e) {
            inFlight.release();
            result.completeExceptionally(uncertain ? e.ofUnknownFate() : e);
        }

        private String name() {
            @Nullable String name = method.getBareMethodName();
            return name == null ? method.getFullMethodName() : name;
        }

        private final class Answer implements StreamObserver<R> {
            private @Nullable R value;

            @Override
            public void onNext(R answer) {
                value = answer;
            }

            @Override
            public void onError(Throwable t) {
                failed(Status.fromThrowable(t), Status.trailersFromThrowable(t));
            }

            @Override
            public void onCompleted() {
                R answer = value;
                if (answer == null) {
                    failed(Status.INTERNAL.withDescription("empty answer to " + name()), null);
                } else {
                    inFlight.release();
                    result.complete(answer);
                }
            }
        }
    }
}
