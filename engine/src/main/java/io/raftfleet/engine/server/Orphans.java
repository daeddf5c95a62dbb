package io.raftfleet.engine.server;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.Async;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.engine.control.Submission;
import io.raftfleet.engine.session.LogBroker;
import io.raftfleet.proto.agent.OpenLog;
import io.raftfleet.proto.cluster.ListOrphansResponse;
import io.raftfleet.proto.cluster.Orphan;
import io.raftfleet.proto.cluster.SettleOrphanRequest;
import io.raftfleet.proto.cluster.SettleOrphanResponse;
import io.raftfleet.proto.fleet.LogChunk;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.OrphanDropped;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.ReplicationException;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.Units;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Units that machines run and the registry does not know: what operators do about them. */
final class Orphans {
    private static final Logger log = LoggerFactory.getLogger(Orphans.class);
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    /** A unit's file is smaller. */
    private static final int MAX_BYTES = 1 << 20;
    /** States that are looked at in one reading of the registry, which applying waits for: some milliseconds. */
    private static final int LOOKED_AT_AT_ONCE = 2_000;

    private final Registry registry;
    private final Controller controller;
    private final LogBroker logs;
    private final LocalWrites.AfterCommit afterCommit;
    private final IntFunction<CompletableFuture<Void>> formats;

    /**
     * @param afterCommit what else is to happen before an orphan counts as adopted
     * @param formats fails when an engine does not read an entry format
     */
    Orphans(
            Registry registry,
            Controller controller,
            LogBroker logs,
            LocalWrites.AfterCommit afterCommit,
            IntFunction<CompletableFuture<Void>> formats) {
        this.afterCommit = afterCommit;
        this.formats = formats;
        this.registry = registry;
        this.controller = controller;
        this.logs = logs;
    }

    /** Looks at some states at a time, and lets go of the registry between. */
    ListOrphansResponse list() {
        var response = ListOrphansResponse.newBuilder();
        for (var at = new Place("", ""); at != null; ) {
            var from = at;
            at = registry.read(view -> Optional.ofNullable(look(view, from, response)))
                    .orElse(null);
        }
        return response.build();
    }

    /** The state that was looked at last. */
    private record Place(String unit, String machineId) {}

    /** Where to go on; null at the end. */
    private static @Nullable Place look(RegistryView view, Place from, ListOrphansResponse.Builder response) {
        int looked = 0;
        for (var state : view.statesAfter(from.unit(), from.machineId())) {
            if (view.unit(state.name()) == null
                    && !view.departures(state.name()).contains(state.machineId())) {
                var said = view.state(state.name(), state.machineId());
                if (said != null) {
                    response.addOrphans(Orphan.newBuilder()
                            .setMachineId(state.machineId())
                            .setName(state.name())
                            .setActiveState(said.getActiveState())
                            .setSubState(said.getSubState())
                            .setHash(said.getHash()));
                }
            }
            if (++looked == LOOKED_AT_AT_ONCE) {
                return new Place(state.name(), state.machineId());
            }
        }
        return null;
    }

    /** On the leader alone. */
    void settle(SettleOrphanRequest request, StreamObserver<SettleOrphanResponse> responses) {
        var machine = request.getMachineId();
        var name = request.getName();
        UnitState state = registry.read(view -> {
            var said = view.unit(name) == null ? view.state(name, machine) : null;
            return said == null ? UnitState.getDefaultInstance() : said;
        });
        if (state.getName().isEmpty()) {
            responses.onError(Status.NOT_FOUND
                    .withDescription("machine " + machine + " has no orphan " + name + ": see fleetctl cluster orphans")
                    .asRuntimeException());
            return;
        }
        var by = Caller.current().words();
        var settled = request.getAdopt()
                ? contents(machine, name).thenCompose(text -> adopt(machine, name, state, text, by))
                : drop(machine, name);
        Async.whenDone(settled.orTimeout(DEADLINE.toMillis(), TimeUnit.MILLISECONDS), (done, failure) -> {
            if (failure == null) {
                log.info(
                        "{} on machine {} was {} by an operator",
                        name,
                        machine,
                        request.getAdopt() ? "adopted" : "dropped");
                responses.onNext(SettleOrphanResponse.getDefaultInstance());
                responses.onCompleted();
            } else {
                responses.onError(status(Async.cause(failure)));
            }
        });
    }

    private CompletableFuture<Void> drop(String machine, String name) {
        var record = Record.newBuilder()
                .setOrphanDropped(
                        OrphanDropped.newBuilder().setMachineId(machine).setName(name))
                .build();
        return formats.apply(EntryFormats.needed(List.of(record)))
                .thenCompose(read -> controller.dropOrphan(machine, name));
    }

    private static StatusRuntimeException status(Throwable failure) {
        if (failure instanceof ReplicationException.Unavailable) {
            return Status.FAILED_PRECONDITION
                    .withDescription("the orphan is left as it is: " + failure.getMessage())
                    .asRuntimeException();
        }
        return failure instanceof StatusRuntimeException status
                ? status
                : Status.UNKNOWN
                        .withDescription("it is not known whether the orphan was settled (" + failure.getMessage()
                                + "): see fleetctl cluster orphans")
                        .asRuntimeException();
    }

    private CompletableFuture<Void> adopt(String machine, String name, UnitState state, String text, String by) {
        try {
            var file = UnitFile.stored(text);
            Units.validate(name, file);
            if (!file.hash().toByteString().equals(state.getHash())) {
                throw Status.FAILED_PRECONDITION
                        .withDescription("the file of " + name + " on machine " + machine
                                + " is not the one that it runs: stop it there, or drop it")
                        .asRuntimeException();
            }
            // To be launched would start what has ended, or failed.
            boolean runs = !"inactive".equals(state.getActiveState()) && !"failed".equals(state.getActiveState());
            var adopted = controller.adoptOrphan(
                    machine,
                    new Submission(name, file, Requirements.of(name, file), by),
                    runs ? TargetState.TARGET_STATE_LAUNCHED : TargetState.TARGET_STATE_LOADED);
            return afterCommit
                    .apply(adopted.thenApply(done -> written()), DEADLINE)
                    .thenAccept(response -> {});
        } catch (InvalidUnitException e) {
            throw Status.FAILED_PRECONDITION
                    .withDescription(String.valueOf(e.inUnit(name).getMessage()))
                    .asRuntimeException();
        }
    }

    private WriteResponse written() {
        Revision revision = registry.read(RegistryView::revision);
        return WriteResponse.newBuilder().setRevision(revision).build();
    }

    private CompletableFuture<String> contents(String machine, String name) {
        var reader = new Collector();
        logs.open(machine, OpenLog.newBuilder().setUnit(name).setKind(OpenLog.Kind.CONTENTS), reader);
        return reader.text.orTimeout(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Takes what an agent uploads as one text. */
    private static final class Collector extends ServerCallStreamObserver<LogChunk> {
        final CompletableFuture<String> text = new CompletableFuture<>();
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public void onNext(LogChunk chunk) {
            if (bytes.size() + chunk.getData().size() > MAX_BYTES) {
                text.completeExceptionally(Status.FAILED_PRECONDITION
                        .withDescription("the unit's file is larger than a unit may be")
                        .asRuntimeException());
            } else {
                bytes.writeBytes(chunk.getData().toByteArray());
            }
        }

        @Override
        public void onError(Throwable failure) {
            text.completeExceptionally(failure);
        }

        @Override
        public void onCompleted() {
            text.complete(bytes.toString(StandardCharsets.UTF_8));
        }

        @Override
        public boolean isCancelled() {
            return text.isDone();
        }

        @Override
        public boolean isReady() {
            return true;
        }

        /** Whoever waits for the text has given up, or it is too long: nothing more is asked of the agent. */
        @Override
        public void setOnCancelHandler(Runnable handler) {
            var unused = text.whenComplete((done, failure) -> {
                if (failure != null) {
                    handler.run();
                }
            });
        }

        @Override
        public void setOnReadyHandler(Runnable handler) {}

        @Override
        public void setCompression(String compression) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}
    }
}
