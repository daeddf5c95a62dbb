package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.History;

/** Of each unit, an order of all operations explains every answer. */
public final class LinearizableUnits implements Check {
    private final Linearizability search = new Linearizability(promise(), "unit", new UnitModel());

    @Override
    public String promise() {
        return "every unit is linearizable";
    }

    @Override
    public Finding check(History history) {
        return search.check(history, kind -> kind != Kind.STALE_READ && !kind.ofMetadata());
    }
}
