package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class AssignmentTableTest {
    private static final TargetState LAUNCHED = TargetState.TARGET_STATE_LAUNCHED;
    private static final String GLOBAL = "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nGlobal=true\n";
    private static final String SHY = "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nConflicts=g.service\n";
    private static final String SHY_GLOBAL =
            "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nGlobal=true\nConflicts=db*\n";

    private final Tables tables = new Tables();
    private long index;

    /** Whoever moves none has no machine looked at: one global unit and one that names it must not cost all others that. */
    @Test
    void aUnitMovesGlobalUnitsOnlyIfItConflictsWithOne() {
        make("g.service", GLOBAL);
        make("h.service", SHY_GLOBAL);
        make("shy.service", SHY);
        apply(Entries.open("m1", 1, Map.of()));
        apply(Entries.schedule("shy.service", unit("shy.service").version(), "m1"));
        make("plain.service", Entries.PLAIN);
        make("db.service", Entries.PLAIN);

        assertThat(moves("shy.service")).isTrue();
        assertThat(moves("db.service")).isTrue();
        assertThat(moves("plain.service")).isFalse();
        assertThat(moves("h.service")).as("a global one itself").isFalse();
        assertThat(tables.assignments.globalsOn(Objects.requireNonNull(tables.machines.get("m1"))))
                .containsExactly("h.service");
    }

    private boolean moves(String name) {
        return tables.assignments.movesGlobals(unit(name));
    }

    private UnitRecord unit(String name) {
        return Objects.requireNonNull(tables.units.get(name));
    }

    private void make(String name, String text) {
        apply(Entries.contents(text), Entries.create(name, text, LAUNCHED, 0));
    }

    private void apply(Record... records) {
        assertThat(new Applier(tables, ++index).apply(Entries.entry(records))).containsOnlyNulls();
    }
}
