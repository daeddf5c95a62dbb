package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.chaos.history.Event.Outcome;
import io.raftfleet.chaos.history.Event.UnitValue;
import io.raftfleet.chaos.history.History.Operation;
import java.util.List;
import java.util.Optional;

/** What a unit is to clients: absent, or contents and a target state. The answers are those of the client API and of HTTP. */
final class UnitModel implements Model<Optional<UnitValue>, Operation> {
    /** Never absent, for want of nulls in collections. */
    private static final List<Optional<UnitValue>> IMPOSSIBLE = List.of();

    @Override
    public Optional<UnitValue> initial() {
        return Optional.empty();
    }

    @Override
    public List<Optional<UnitValue>> step(Optional<UnitValue> state, Operation operation) {
        var call = operation.call();
        boolean known = operation.returned().outcome() == Outcome.ANSWERED;
        var code = known ? operation.returned().code() : "";
        return switch (call.kind()) {
            case READ -> state.equals(Optional.ofNullable(operation.returned().value())) ? List.of(state) : IMPOSSIBLE;
            case STALE_READ, PATCH, READ_METADATA -> List.of(state);
            case CREATE -> create(state, call, code);
            case REPLACE -> replace(state, call, code);
            case PUT -> put(state, call, code);
            case SET_TARGET -> setTarget(state, call, code);
            case RESTART -> restart(state, call, code);
            case DESTROY -> destroy(state, code);
        };
    }

    private static List<Optional<UnitValue>> create(Optional<UnitValue> state, Call call, String code) {
        var made = Optional.of(new UnitValue(call.contents(), call.target()));
        return switch (code) {
            case "" -> List.of(state.isEmpty() ? made : state);
            case "OK" -> when(state.isEmpty(), made);
            case "UNCHANGED" -> when(sameContents(state, call), state);
            case "ALREADY_EXISTS" -> when(state.isPresent() && !sameContents(state, call), state);
            default -> IMPOSSIBLE;
        };
    }

    private static List<Optional<UnitValue>> replace(Optional<UnitValue> state, Call call, String code) {
        var made = Optional.of(new UnitValue(call.contents(), call.target()));
        boolean same = sameContents(state, call);
        return switch (code) {
            case "" -> List.of(same ? state : made);
            case "OK" -> when(state.isEmpty(), made);
            case "REPLACED" -> when(state.isPresent() && !same, made);
            case "UNCHANGED" -> when(same, state);
            default -> IMPOSSIBLE;
        };
    }

    /** Never unchanged: each asks for one more start. */
    private static List<Optional<UnitValue>> restart(Optional<UnitValue> state, Call call, String code) {
        return switch (code) {
            case "" -> List.of(withTarget(state, call));
            case "OK" -> when(state.isPresent(), withTarget(state, call));
            case "NOT_FOUND" -> when(state.isEmpty(), state);
            default -> IMPOSSIBLE;
        };
    }

    /** With the same contents a PUT is two writes, and the unit may change between them. */
    private static List<Optional<UnitValue>> put(Optional<UnitValue> state, Call call, String code) {
        var made = Optional.of(new UnitValue(call.contents(), call.target()));
        var set = withTarget(state, call);
        return switch (code) {
            case "" -> state.isEmpty() ? List.of(made) : List.of(made, set);
            case "201" -> when(!sameContents(state, call), made);
            case "204" -> when(state.isPresent(), set);
            case "409" -> when(state.isEmpty(), state);
            default -> IMPOSSIBLE;
        };
    }

    private static List<Optional<UnitValue>> setTarget(Optional<UnitValue> state, Call call, String code) {
        boolean has = state.isPresent() && state.get().target().equals(call.target());
        return switch (code) {
            case "" -> List.of(withTarget(state, call));
            case "OK" -> when(state.isPresent() && !has, withTarget(state, call));
            case "UNCHANGED" -> when(has, state);
            case "204" -> when(state.isPresent(), withTarget(state, call));
            case "NOT_FOUND", "409" -> when(state.isEmpty(), state);
            default -> IMPOSSIBLE;
        };
    }

    private static List<Optional<UnitValue>> destroy(Optional<UnitValue> state, String code) {
        return switch (code) {
            case "" -> List.of(Optional.empty());
            case "OK", "204" -> when(state.isPresent(), Optional.empty());
            case "NOT_FOUND", "404" -> when(state.isEmpty(), state);
            default -> IMPOSSIBLE;
        };
    }

    private static boolean sameContents(Optional<UnitValue> state, Call call) {
        return state.isPresent() && state.get().contents().equals(call.contents());
    }

    private static Optional<UnitValue> withTarget(Optional<UnitValue> state, Call call) {
        return state.map(value -> new UnitValue(value.contents(), call.target()));
    }

    private static List<Optional<UnitValue>> when(boolean possible, Optional<UnitValue> next) {
        return possible ? List.of(next) : IMPOSSIBLE;
    }
}
