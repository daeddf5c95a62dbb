package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Event.Outcome;
import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.WriteOutcome;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.TargetStateChange;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/** The client library, which tries again with the same request id. One call at a time. */
final class GrpcUnitClient implements UnitClient, AutoCloseable {
    private final String engine;
    private final FleetClient client;
    private volatile Consumer<String> retried = why -> {};

    GrpcUnitClient(String engine, ClientOptions options) {
        this.engine = engine;
        this.client = new FleetClient(options.withDebug(why -> retried.accept(why)));
    }

    @Override
    public String engine() {
        return engine;
    }

    @Override
    public List<Answer> call(List<Call> calls, Consumer<String> told) {
        retried = told;
        try {
            var first = calls.getFirst();
            return switch (first.kind()) {
                case READ -> List.of(read(first.unit()));
                case READ_METADATA -> List.of(readMetadata(first.unit()));
                case PATCH ->
                    answers(client.patchMachines(
                            calls.stream().map(GrpcUnitClient::patch).toList()));
                case CREATE -> answers(client.createUnits(units(calls), false));
                case REPLACE -> answers(client.createUnits(units(calls), true));
                case PUT, STALE_READ -> throw new IllegalArgumentException(first.kind() + " is not for this client");
                case SET_TARGET, RESTART ->
                    answers(client.setTargetStates(
                            calls.stream().map(GrpcUnitClient::change).toList()));
                case DESTROY ->
                    answers(client.destroyUnits(calls.stream().map(Call::unit).toList()));
            };
        } catch (FleetClientException e) {
            var answer = switch (e.code()) {
                case INVALID_ARGUMENT, UNIMPLEMENTED -> Answer.failed(e.code().name());
                default -> Answer.unknown(e.code().name());
            };
            return Collections.nCopies(calls.size(), answer);
        }
    }

    private static List<NewUnit> units(List<Call> calls) {
        return calls.stream()
                .map(call -> NewUnit.newBuilder()
                        .setName(call.unit())
                        .setText(Contents.text(call.contents()))
                        .setTargetState(Contents.target(call.target()))
                        .build())
                .toList();
    }

    private static TargetStateChange change(Call call) {
        return TargetStateChange.newBuilder()
                .setName(call.unit())
                .setTargetState(Contents.target(call.target()))
                .setStartAgain(call.kind() == Kind.RESTART)
                .build();
    }

    private Answer read(String unit) {
        var found = client.findUnit(unit);
        var there = found.unit();
        var revision = found.revision();
        return Answer.found(
                there == null ? null : Contents.row(there.getUnit()).value(),
                revision == null ? null : Answer.position(revision));
    }

    private static MachinePatch patch(Call call) {
        var patch = MachinePatch.newBuilder()
                .setMachineId(Metadata.machine(call.unit()))
                .setKey(Metadata.key(call.unit()));
        if (!call.contents().isEmpty()) {
            patch.setValue(call.contents());
        }
        return patch.build();
    }

    private Answer readMetadata(String which) {
        var machines = client.listMachines(
                ListMachinesRequest.newBuilder().setIncludeLost(true).build());
        return machines.rows().stream()
                .filter(machine -> machine.getId().equals(Metadata.machine(which)))
                .findFirst()
                .map(machine -> Metadata.found(machine.getMetadataMap().get(Metadata.key(which)))
                        .at(Answer.position(machines.revision())))
                .orElseGet(() -> Answer.unknown("no such machine"));
    }

    private static List<Answer> answers(WriteOutcome written) {
        var revision = Answer.position(written.revision());
        return written.results().stream()
                .map(result -> new Answer(
                        Outcome.ANSWERED, result.getCode().name().substring("ITEM_CODE_".length()), null, revision))
                .toList();
    }

    @Override
    public void close() {
        client.close();
    }
}
