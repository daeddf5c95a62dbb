package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.fleetctl.client.FleetClient;
import io.raftfleet.fleetctl.client.FleetClientException;
import io.raftfleet.fleetctl.client.WriteOutcome;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.TargetStateChange;
import java.util.List;

/** The client library, which tries again with the same request id. */
final class GrpcUnitClient implements UnitClient {
    private final String engine;
    private final FleetClient client;

    GrpcUnitClient(String engine, FleetClient client) {
        this.engine = engine;
        this.client = client;
    }

    @Override
    public String engine() {
        return engine;
    }

    @Override
    public Answer call(Call call) {
        try {
            return switch (call.kind()) {
                case READ -> read(call.unit());
                case CREATE -> answer(client.createUnits(List.of(unit(call)), false));
                case PUT -> throw new IllegalArgumentException("PUT is HTTP's");
                case SET_TARGET ->
                    answer(client.setTargetStates(List.of(TargetStateChange.newBuilder()
                            .setName(call.unit())
                            .setTargetState(Contents.target(call.target()))
                            .build())));
                case DESTROY -> answer(client.destroyUnits(List.of(call.unit())));
            };
        } catch (FleetClientException e) {
            return switch (e.code()) {
                case INVALID_ARGUMENT, UNIMPLEMENTED -> Answer.failed(e.code().name());
                default -> Answer.unknown(e.code().name());
            };
        }
    }

    static NewUnit unit(Call call) {
        return NewUnit.newBuilder()
                .setName(call.unit())
                .setText(Contents.text(call.contents()))
                .setTargetState(Contents.target(call.target()))
                .build();
    }

    private Answer read(String unit) {
        var found = client.getUnit(unit);
        return found == null
                ? Answer.found(null, null)
                : Answer.found(Contents.row(found.getUnit()).value(), Answer.position(found.getRevision()));
    }

    private static Answer answer(WriteOutcome written) {
        var code = written.results().getFirst().getCode().name().substring("ITEM_CODE_".length());
        return new Answer(
                io.raftfleet.chaos.history.Event.Outcome.ANSWERED, code, null, Answer.position(written.revision()));
    }
}
