package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event.Outcome;
import io.raftfleet.chaos.history.Event.UnitValue;
import io.raftfleet.chaos.history.History.Operation;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What a key of a machine's metadata is that no agent announces: a value, or nothing. A patch of it is never refused. */
final class MetadataModel implements Model<Optional<UnitValue>, Operation> {
    private static final Set<String> DONE = Set.of("OK", "204");

    @Override
    public Optional<UnitValue> initial() {
        return Optional.empty();
    }

    @Override
    public List<Optional<UnitValue>> step(Optional<UnitValue> state, Operation operation) {
        var returned = operation.returned();
        return switch (operation.call().kind()) {
            case READ_METADATA -> state.equals(Optional.ofNullable(returned.value())) ? List.of(state) : List.of();
            case PATCH -> {
                var value = operation.call().contents();
                boolean possible = returned.outcome() != Outcome.ANSWERED || DONE.contains(returned.code());
                yield possible
                        ? List.of(value.isEmpty() ? Optional.empty() : Optional.of(new UnitValue(value, "")))
                        : List.of();
            }
            default -> List.of(state);
        };
    }
}
