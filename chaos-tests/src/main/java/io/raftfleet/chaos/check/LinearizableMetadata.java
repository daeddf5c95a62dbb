package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.History;

/** Of each key of each machine's metadata that clients patch, an order of all operations explains every answer. */
public final class LinearizableMetadata implements Check {
    private final Linearizability search = new Linearizability(promise(), "metadata key", new MetadataModel());

    @Override
    public String promise() {
        return "every machine's metadata is linearizable";
    }

    /** Older histories have no such operations. */
    @Override
    public boolean applies(History history) {
        return history.all(Event.Invoked.class)
                .anyMatch(invoked -> invoked.call().kind().ofMetadata());
    }

    @Override
    public Finding check(History history) {
        return search.check(history, Kind::ofMetadata);
    }
}
