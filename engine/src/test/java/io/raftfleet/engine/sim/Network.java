package io.raftfleet.engine.sim;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ForwardingClientCall;
import io.grpc.ForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.EngineFrame;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What lies between processes: gRPC calls over links that can be cut. What is sent over a cut link is lost, and nobody hears of it;
 * when the link is whole again the calls that it swallowed something of break, as TCP's would. Frames of a session that may come
 * twice sometimes do; what an agent has sent may arrive when it has long opened another session. Somebody else may answer at an
 * engine's address. Owned by the simulation's thread.
 */
final class Network {
    /** Sees the frames of agents' sessions that get through. */
    interface Tap {
        void fromAgent(Object call, String machine, String engine, AgentFrame frame);

        void toAgent(Object call, String machine, String engine, EngineFrame frame);
    }

    private record Link(String client, String address) {}

    private final SplittableRandom random;
    private final Tap tap;
    private final Map<String, String> servers = new HashMap<>();
    private final Map<String, SimProcess> processes = new HashMap<>();
    private final Map<String, Channel> channels = new HashMap<>();
    private final Set<Link> cut = new LinkedHashSet<>();
    /** Servers that answer in place of those at an address. */
    private final Map<Link, String> diverted = new HashMap<>();

    private final Set<Wire<?, ?>> wires = new LinkedHashSet<>();
    private boolean repeats = true;

    Network(SplittableRandom random, Tap tap) {
        this.random = random;
        this.tap = tap;
    }

    /** From now on an in-process server of this process answers at this address. */
    void up(String address, String server, SimProcess process) {
        servers.put(address, server);
        processes.put(address, process);
    }

    /** Nobody answers there, and whoever was connected is told so. */
    void down(String address) {
        servers.remove(address);
        breakCalls(wire -> wire.link.address().equals(address));
    }

    void cut(String client, String address) {
        cut.add(new Link(client, address));
        wires.stream()
                .filter(wire -> wire.link.equals(new Link(client, address)))
                .forEach(wire -> wire.dark = true);
    }

    void heal(String client, String address) {
        var link = new Link(client, address);
        if (cut.remove(link)) {
            breakCalls(wire -> wire.dark && wire.link.equals(link));
        }
    }

    /** What a client asks at an address goes to another server from now on. */
    void divert(String client, String address, String server) {
        diverted.put(new Link(client, address), server);
        breakCalls(wire -> wire.link.equals(new Link(client, address)));
    }

    /** The server at the address answers again. */
    void undivert(String client, String address) {
        if (diverted.remove(new Link(client, address)) != null) {
            breakCalls(wire -> wire.link.equals(new Link(client, address)));
        }
    }

    /** From now on what a client sends on the connections that it has is on its way until they break. */
    void delay(String client) {
        wires.stream().filter(wire -> wire.link.client().equals(client)).forEach(wire -> wire.slow = true);
    }

    /** These connections break for the client; the other side is so late to look at what was on its way. */
    void breakLate(String client, Duration late) {
        new ArrayList<>(wires)
                .stream()
                        .filter(wire -> wire.slow && wire.link.client().equals(client))
                        .forEach(wire -> wire.severLate(late));
    }

    /** Makes all links whole, and repeats nothing any more. */
    void calm() {
        repeats = false;
        List.copyOf(diverted.keySet()).forEach(link -> undivert(link.client(), link.address()));
        breakCalls(wire -> wire.slow);
        List.copyOf(cut).forEach(link -> heal(link.client(), link.address()));
    }

    /** Breaks all connections of a client, one after the other. */
    void breakCalls(String client) {
        breakCalls(wire -> wire.link.client().equals(client));
    }

    private void breakCalls(Predicate<Wire<?, ?>> which) {
        new ArrayList<>(wires).stream().filter(which).forEach(Wire::sever);
    }

    /** A client's way to an address, whichever server is there when a call is made. */
    ManagedChannel channel(String client, SimProcess process, String address) {
        return channels.computeIfAbsent(
                process.number() + " " + address, none -> new Channel(new Link(client, address), process));
    }

    /** Ends all. */
    void close() {
        channels.values().forEach(Channel::shutdownNow);
    }

    private final class Channel extends ManagedChannel {
        private final Link link;
        private final SimProcess process;
        private final Map<String, ManagedChannel> channels = new HashMap<>();

        Channel(Link link, SimProcess process) {
            this.link = link;
            this.process = process;
        }

        @Override
        public <Q, S> ClientCall<Q, S> newCall(MethodDescriptor<Q, S> method, CallOptions options) {
            var server = diverted.getOrDefault(link, servers.get(link.address()));
            if (server == null) {
                return new Unreachable<>(process);
            }
            var inner = channels.computeIfAbsent(
                    server,
                    name -> InProcessChannelBuilder.forName(name)
                            .executor(process.wire())
                            .scheduledExecutorService(process.executor())
                            .disableRetry()
                            .build());
            // gRPC would count it by the real clock, which no seed repeats.
            var deadline = options.getDeadline();
            return new Wire<>(
                    link,
                    process,
                    inner.newCall(method, options.withDeadline(null)),
                    deadline == null ? 0 : wholeSeconds(deadline.timeRemaining(TimeUnit.NANOSECONDS)));
        }

        /** What was asked for, before some of it passed. */
        private static long wholeSeconds(long remaining) {
            return TimeUnit.NANOSECONDS.toSeconds(remaining + TimeUnit.SECONDS.toNanos(1) - 1);
        }

        @Override
        public String authority() {
            return link.address();
        }

        @Override
        public ManagedChannel shutdown() {
            return shutdownNow();
        }

        @Override
        public ManagedChannel shutdownNow() {
            channels.values().forEach(ManagedChannel::shutdownNow);
            return this;
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return true;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return true;
        }
    }

    /** A call to where nobody listens. */
    private static final class Unreachable<Q, S> extends ClientCall<Q, S> {
        private final SimProcess process;

        Unreachable(SimProcess process) {
            this.process = process;
        }

        @Override
        public void start(Listener<S> listener, Metadata headers) {
            process.executor()
                    .execute(() ->
                            listener.onClose(Status.UNAVAILABLE.withDescription("connection refused"), new Metadata()));
        }

        @Override
        public void request(int count) {}

        @Override
        public void cancel(@Nullable String message, @Nullable Throwable cause) {}

        @Override
        public void halfClose() {}

        @Override
        public void sendMessage(Q message) {}
    }

    /** One call over a link. */
    private final class Wire<Q, S> extends ForwardingClientCall.SimpleForwardingClientCall<Q, S> {
        final Link link;
        private final SimProcess process;
        /** Something of it was, or would be, swallowed. */
        boolean dark;

        /** What is sent is kept in {@link #onItsWay}. */
        boolean slow;

        private final Deque<Q> onItsWay = new ArrayDeque<>();
        private final long limit;

        private boolean over;
        private boolean cancelled;
        private @Nullable Listener<S> listener;

        /** @param limit seconds until its caller gives it up; 0 for never */
        Wire(Link link, SimProcess process, ClientCall<Q, S> call, long limit) {
            super(call);
            this.link = link;
            this.process = process;
            this.dark = cut.contains(link);
            this.limit = limit;
        }

        @Override
        public void start(Listener<S> to, Metadata headers) {
            listener = to;
            wires.add(this);
            if (limit > 0) {
                process.after(Duration.ofSeconds(limit), this::expired);
            }
            super.start(
                    new ForwardingClientCallListener.SimpleForwardingClientCallListener<>(to) {
                        @Override
                        public void onMessage(S message) {
                            if (!dark && !over) {
                                told(message);
                                super.onMessage(message);
                                if (repeated(message)) {
                                    super.onMessage(message);
                                }
                            }
                        }

                        @Override
                        public void onClose(Status status, Metadata trailers) {
                            if (!over && !dark) {
                                over = true;
                                wires.remove(Wire.this);
                                super.onClose(status, trailers);
                            }
                        }
                    },
                    headers);
        }

        private void told(S message) {
            if (message instanceof EngineFrame frame && !cancelled) {
                tap.toAgent(this, link.client(), link.address(), frame);
            }
        }

        @Override
        public void sendMessage(Q message) {
            if (dark || over) {
                return;
            }
            if (message instanceof AgentFrame frame) {
                tap.fromAgent(this, link.client(), link.address(), frame);
            }
            if (slow) {
                onItsWay.add(message);
                return;
            }
            super.sendMessage(message);
            if (repeated(message)) {
                super.sendMessage(message);
            }
        }

        @Override
        public void halfClose() {
            if (!dark && !over && !slow) {
                super.halfClose();
            }
        }

        @Override
        public void cancel(@Nullable String message, @Nullable Throwable cause) {
            cancelled = true; // What is on its way comes all the same, and is ignored.
            if (slow && !over) {
                over = true;
                close(Status.CANCELLED.withDescription(message));
            } else if (!dark) {
                super.cancel(message, cause);
            } else if (!over) {
                over = true;
                close(Status.CANCELLED.withDescription(message));
            }
        }

        private void expired() {
            if (!over) {
                over = true;
                wires.remove(this);
                close(Status.DEADLINE_EXCEEDED);
                super.cancel("deadline exceeded", null);
            }
        }

        /** The connection is reset: both sides hear of it. */
        void sever() {
            wires.remove(this);
            if (!over) {
                over = true;
                close(Status.UNAVAILABLE.withDescription("connection reset"));
            }
            super.cancel("connection reset", null);
        }

        /**
         * The same for its client; the engine's thread was given a report just before, and gets no time to look at it for so long. Then
         * it hears of the reset, too.
         */
        void severLate(Duration late) {
            wires.remove(this);
            if (!over) {
                over = true;
                close(Status.UNAVAILABLE.withDescription("connection reset"));
            }
            var engine = processes.getOrDefault(link.address(), process);
            onItsWay.stream()
                    .filter(message -> message instanceof AgentFrame frame && frame.hasStates())
                    .findFirst()
                    .ifPresent(report -> engine.stalled(late, () -> super.sendMessage(report)));
            engine.after(late.plusMillis(10), () -> super.cancel("connection reset", null));
        }

        private void close(Status status) {
            var to = listener;
            if (to != null) {
                process.executor().execute(() -> to.onClose(status, new Metadata()));
            }
        }

        private boolean repeated(Object message) {
            boolean mayBe = switch (message) {
                case EngineFrame frame ->
                    switch (frame.getFrameCase()) {
                        case ASSIGNMENTS, HEARTBEAT_ACK, STATE_ACK -> true;
                        case WELCOME, DIGEST_REQUEST, INVENTORY_REQUEST, OPEN_LOG, FRAME_NOT_SET -> false;
                    };
                case AgentFrame frame -> frame.hasHeartbeat() || frame.hasStates();
                default -> false;
            };
            return mayBe && repeats && random.nextInt(20) == 0;
        }
    }
}
