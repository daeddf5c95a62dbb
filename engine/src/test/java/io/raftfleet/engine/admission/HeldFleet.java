package io.raftfleet.engine.admission;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.LogUpload;
import io.raftfleet.proto.agent.LogUploadDone;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.Revision;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * An engine's services without an engine: writes of large requests wait until they are let go, watches never say anything.
 * Guarded by its monitor.
 */
final class HeldFleet {
    private static final int LARGE = 50_000;

    private final List<StreamObserver<WriteResponse>> held = new ArrayList<>();
    private boolean holding;
    private int calls;
    private int frames;
    private int brokenUploads;
    private int answerBytes;
    private long lastDeadline;
    private long mostHeld;

    List<ServerServiceDefinition> services() {
        return List.of(
                SerializedRequests.of(new Service().bindService()), SerializedRequests.of(new Gateway().bindService()));
    }

    /** Notes, as calls come, how much is held. */
    ServerInterceptor watcher(LongSupplier bytes) {
        return new ServerInterceptor() {
            @Override
            public <Q, S> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
                noteHeld(bytes.getAsLong());
                return next.startCall(call, headers);
            }
        };
    }

    private synchronized void noteHeld(long bytes) {
        mostHeld = Math.max(mostHeld, bytes);
    }

    synchronized void hold() {
        holding = true;
    }

    void letGo() {
        List<StreamObserver<WriteResponse>> waiting;
        synchronized (this) {
            holding = false;
            waiting = List.copyOf(held);
            held.clear();
        }
        waiting.forEach(HeldFleet::answer);
    }

    synchronized void answerOf(int bytes) {
        answerBytes = bytes;
    }

    synchronized int calls() {
        return calls;
    }

    synchronized int frames() {
        return frames;
    }

    synchronized int brokenUploads() {
        return brokenUploads;
    }

    synchronized long mostHeld() {
        return mostHeld;
    }

    /** What was left of the last Version call's time, in milliseconds. */
    synchronized long lastDeadline() {
        return lastDeadline;
    }

    private static void answer(StreamObserver<WriteResponse> out) {
        out.onNext(WriteResponse.newBuilder()
                .setRevision(Revision.newBuilder().setIndex(1))
                .build());
        out.onCompleted();
    }

    private final class Service extends FleetGrpc.FleetImplBase {
        @Override
        public void createUnits(CreateUnitsRequest request, StreamObserver<WriteResponse> out) {
            synchronized (HeldFleet.this) {
                calls++;
                if (holding && request.getSerializedSize() > LARGE) {
                    held.add(out);
                    return;
                }
            }
            answer(out);
        }

        @Override
        public void listUnits(ListUnitsRequest request, StreamObserver<ListUnitsResponse> out) {
            String token;
            synchronized (HeldFleet.this) {
                token = "x".repeat(answerBytes);
            }
            out.onNext(ListUnitsResponse.newBuilder().setNextToken(token).build());
            out.onCompleted();
        }

        @Override
        public void watch(WatchRequest request, StreamObserver<WatchResponse> out) {}

        @Override
        public void version(VersionRequest request, StreamObserver<VersionResponse> out) {
            synchronized (HeldFleet.this) {
                lastDeadline =
                        Objects.requireNonNull(Context.current().getDeadline()).timeRemaining(TimeUnit.MILLISECONDS);
            }
            out.onNext(VersionResponse.newBuilder().setVersion("held").build());
            out.onCompleted();
        }
    }

    private final class Gateway extends AgentGatewayGrpc.AgentGatewayImplBase {
        @Override
        public StreamObserver<AgentFrame> session(StreamObserver<EngineFrame> out) {
            return counted(out);
        }

        @Override
        public StreamObserver<LogUpload> uploadLog(StreamObserver<LogUploadDone> out) {
            return counted(out);
        }

        private <T> StreamObserver<T> counted(StreamObserver<?> out) {
            return new StreamObserver<>() {
                @Override
                public void onNext(T frame) {
                    synchronized (HeldFleet.this) {
                        frames++;
                    }
                }

                @Override
                public void onError(Throwable t) {
                    synchronized (HeldFleet.this) {
                        brokenUploads++;
                    }
                }

                @Override
                public void onCompleted() {
                    out.onCompleted();
                }
            };
        }
    }
}
