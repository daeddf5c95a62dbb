package io.raftfleet.engine.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.ServerCallStreamObserver;
import io.raftfleet.engine.session.LogBroker;
import io.raftfleet.proto.agent.OpenLog;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.fleet.LogChunk;
import io.raftfleet.proto.fleet.UnitStatusRequest;
import io.raftfleet.state.Registry;
import io.raftfleet.state.UnitStateRecord;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/** Journals and statuses of units: from the machine that has the unit, by way of the leader, which has its agent. */
final class UnitLogs {
    private static final int DEFAULT_LINES = 10;

    private final Registry registry;
    private final LogBroker broker;
    private final LeaderRoute route;

    UnitLogs(Registry registry, LogBroker broker, LeaderRoute route) {
        this.registry = registry;
        this.broker = broker;
        this.route = route;
    }

    void journal(JournalRequest request, ServerCallStreamObserver<LogChunk> reader, boolean forwarded) {
        var log = OpenLog.newBuilder()
                .setUnit(request.getUnit())
                .setKind(OpenLog.Kind.JOURNAL)
                .setLines(request.getLines() == 0 ? DEFAULT_LINES : request.getLines())
                .setFollow(request.getFollow())
                .setOutput(request.getOutput().isEmpty() ? "short" : request.getOutput());
        open(log, request.getMachineId(), reader, forwarded, (stub, relay) -> stub.journal(request, relay));
    }

    void status(UnitStatusRequest request, ServerCallStreamObserver<LogChunk> reader, boolean forwarded) {
        var log = OpenLog.newBuilder().setUnit(request.getUnit()).setKind(OpenLog.Kind.STATUS);
        open(log, request.getMachineId(), reader, forwarded, (stub, relay) -> stub.unitStatus(request, relay));
    }

    private void open(
            OpenLog.Builder log,
            String machineId,
            ServerCallStreamObserver<LogChunk> reader,
            boolean forwarded,
            BiConsumer<FleetGrpc.FleetStub, Relay> ask) {
        var leader = route.elsewhere();
        if (leader != null && !forwarded) {
            ask.accept(route.stub(leader), new Relay(reader));
            return;
        }
        try {
            broker.open(machineOf(log.getUnit(), machineId), log, reader);
        } catch (StatusRuntimeException e) {
            reader.onError(e);
        }
    }

    private String machineOf(String unit, String machineId) {
        return registry.read(view -> {
            var machines = new TreeSet<String>();
            view.statesOf(unit).stream().map(UnitStateRecord::machineId).forEach(machines::add);
            var record = view.unit(unit);
            if (record != null && record.machineId() != null) {
                machines.add(record.machineId());
            }
            if (!machineId.isEmpty()) {
                if (!machines.contains(machineId)) {
                    throw Status.NOT_FOUND
                            .withDescription("unit " + unit + " is not on machine " + machineId)
                            .asRuntimeException();
                }
                return machineId;
            }
            if (record != null && record.machineId() != null) {
                return record.machineId();
            }
            return switch (machines.size()) {
                case 0 ->
                    throw Status.NOT_FOUND
                            .withDescription(
                                    record == null
                                            ? "unit " + unit + " does not exist"
                                            : "unit " + unit + " is on no machine: start it first")
                            .asRuntimeException();
                case 1 -> machines.first();
                default ->
                    throw Status.FAILED_PRECONDITION
                            .withDescription("unit " + unit + " is on " + machines.size() + " machines: name one of "
                                    + String.join(", ", machines))
                            .asRuntimeException();
            };
        });
    }

    /** Passes the leader's stream on, a chunk at a time as the reader takes them. gRPC calls it one at a time. */
    private static final class Relay implements ClientResponseObserver<Object, LogChunk> {
        private final ServerCallStreamObserver<LogChunk> reader;
        private ClientCallStreamObserver<Object> source;

        @GuardedBy("this")
        private boolean asked = true;

        @SuppressWarnings("NullAway.Init") // set by beforeStart, which comes first
        Relay(ServerCallStreamObserver<LogChunk> reader) {
            this.reader = reader;
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<Object> requestStream) {
            source = requestStream;
            source.disableAutoRequestWithInitial(1);
            reader.setOnCancelHandler(() -> requestStream.cancel("the reader went away", null));
            reader.setOnReadyHandler(this::more);
        }

        @Override
        public void onNext(LogChunk chunk) {
            synchronized (this) {
                reader.onNext(chunk);
                asked = false;
            }
            more();
        }

        private synchronized void more() {
            if (!asked && reader.isReady()) {
                asked = true;
                source.request(1);
            }
        }

        @Override
        public void onError(Throwable t) {
            if (!reader.isCancelled()) {
                reader.onError(t);
            }
        }

        @Override
        public void onCompleted() {
            reader.onCompleted();
        }
    }
}
