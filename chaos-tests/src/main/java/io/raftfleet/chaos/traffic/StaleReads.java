package io.raftfleet.chaos.traffic;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.client.AbsentAt;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ReadOptions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Reads single units as an engine has them, without asking the others: in turn by name, which states no revision when there is none,
 * and as a list of one. Used by one thread.
 */
final class StaleReads implements UnitClient {
    private static final int LIMIT_MS = 4_000;
    private static final ReadOptions STALE =
            ReadOptions.newBuilder().setStale(true).build();

    private final EngineNode node;
    private boolean asList;

    StaleReads(EngineNode node) {
        this.node = node;
    }

    @Override
    public String engine() {
        return node.id();
    }

    @Override
    public List<Answer> call(List<Call> calls, Consumer<String> retried) {
        asList = !asList;
        var unit = calls.getFirst().unit();
        var stub = FleetGrpc.newBlockingStub(node.channel()).withDeadlineAfter(LIMIT_MS, TimeUnit.MILLISECONDS);
        try {
            if (!asList) {
                var found = stub.getUnit(
                        GetUnitRequest.newBuilder().setName(unit).setRead(STALE).build());
                return List.of(
                        Answer.found(Contents.row(found.getUnit()).value(), Answer.position(found.getRevision())));
            }
            var page = stub.listUnits(
                    ListUnitsRequest.newBuilder().addNames(unit).setRead(STALE).build());
            var value = page.getUnitsCount() == 0
                    ? null
                    : Contents.row(page.getUnits(0)).value();
            return List.of(Answer.found(value, Answer.position(page.getRevision())));
        } catch (StatusRuntimeException e) {
            var revision = AbsentAt.revision(e);
            return List.of(
                    e.getStatus().getCode() == Status.Code.NOT_FOUND
                            ? Answer.found(null, revision == null ? null : Answer.position(revision))
                            : Answer.unknown(e.getStatus().getCode().name()));
        }
    }
}
