package io.raftfleet.agent.session;

import io.grpc.Channel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Redirect;
import org.jspecify.annotations.Nullable;

/**
 * One control stream to one engine, from {@code Hello} until it breaks or is given up. Frames and the end come on the
 * machine's loop, nothing comes after the end. The engine's next frame is asked for when the loop is through with the one before:
 * of what an engine sends no more than a frame waits here, the rest by gRPC's flow control. Owned by the loop.
 */
final class EngineSession {
    /** Where a follower says who leads, in the trailers. */
    static final Metadata.Key<Redirect> REDIRECT =
            Metadata.Key.of("raftfleet-redirect-bin", ProtoUtils.metadataMarshaller(Redirect.getDefaultInstance()));

    /** Hears of a session, on the loop. */
    interface Events {
        void frame(EngineSession session, EngineFrame frame);

        /** The engine ended the stream or it broke; {@code trailers} may hold a redirect. */
        void broken(EngineSession session, Status status, Metadata trailers);
    }

    private final Loop loop;
    private final Channel channel;
    private final String address;
    private final Events events;
    private @Nullable ClientCallStreamObserver<AgentFrame> out;
    private boolean finished;
    private boolean ended;

    EngineSession(Loop loop, Channel channel, String address, Events events) {
        this.loop = loop;
        this.channel = channel;
        this.address = address;
        this.events = events;
    }

    String address() {
        return address;
    }

    Channel channel() {
        return channel;
    }

    void open(Hello hello) {
        AgentGatewayGrpc.newStub(channel).session(new Receiver());
        send(AgentFrame.newBuilder().setHello(hello).build());
    }

    /** Sends a frame; does nothing when this side has ended the stream. */
    void send(AgentFrame frame) {
        if (!ended && !finished && out != null) {
            out.onNext(frame);
        }
    }

    /** Ends the stream in order; {@link Events#broken} follows when the engine has ended it too. */
    void finish() {
        if (!ended && !finished && out != null) {
            finished = true;
            out.onCompleted();
        }
    }

    /** Gives the stream up; nothing follows. */
    void cancel(String reason) {
        if (!ended) {
            ended = true;
            if (out != null) {
                out.cancel(reason, null);
            }
        }
    }

    private final class Receiver implements ClientResponseObserver<AgentFrame, EngineFrame> {
        @Override
        public void beforeStart(ClientCallStreamObserver<AgentFrame> requests) {
            out = requests;
            requests.disableAutoRequestWithInitial(1);
        }

        @Override
        public void onNext(EngineFrame frame) {
            loop.execute(() -> {
                if (!ended) {
                    try {
                        events.frame(EngineSession.this, frame);
                    } finally {
                        if (out != null) {
                            out.request(1);
                        }
                    }
                }
            });
        }

        @Override
        public void onError(Throwable cause) {
            Metadata trailers = Status.trailersFromThrowable(cause);
            end(Status.fromThrowable(cause), trailers == null ? new Metadata() : trailers);
        }

        @Override
        public void onCompleted() {
            end(Status.OK, new Metadata());
        }

        private void end(Status status, Metadata trailers) {
            loop.execute(() -> {
                if (!ended) {
                    ended = true;
                    events.broken(EngineSession.this, status, trailers);
                }
            });
        }
    }
}
