package io.raftfleet.agent.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.loop.VirtualLoop;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class StateInboxTest {
    private final VirtualLoop loop = new VirtualLoop();
    private final List<String> told = new ArrayList<>();
    private final StateInbox inbox = new StateInbox(
            loop,
            all -> told.add("all " + new TreeMap<>(all).keySet()),
            (name, state) -> told.add(name + " " + state.activeState()),
            name -> told.add("start of " + name + " ended"));

    @Test
    void ofEachUnitTheLatestIsToldHoweverOftenItChanges() {
        for (int i = 0; i < 1000; i++) {
            inbox.changed("a.service", state("activating"));
            inbox.changed("b.service", state("inactive"));
        }
        inbox.changed("a.service", state("active"));
        loop.run();
        assertThat(told).containsExactly("a.service active", "b.service inactive");
        inbox.changed("b.service", state("active"));
        loop.run();
        assertThat(told).hasSize(3).endsWith("b.service active");
    }

    @Test
    void aFullListTakesThePlaceOfWhatCameBeforeItAndNotOfWhatComesAfter() {
        inbox.changed("old.service", state("active"));
        inbox.relisted(Map.of("a.service", state("inactive")));
        inbox.relisted(Map.of("b.service", state("inactive")));
        inbox.changed("b.service", state("active"));
        loop.run();
        assertThat(told).containsExactly("all [b.service]", "b.service active");
    }

    @Test
    void thatAStartHasEndedIsToldAfterTheStateItLedTo() {
        inbox.changed("a.service", state("active"));
        inbox.startEnded("a.service");
        inbox.startEnded("a.service");
        loop.run();
        assertThat(told).containsExactly("a.service active", "start of a.service ended");
    }

    private static ObservedState state(String active) {
        return new ObservedState("loaded", active, "sub", 0, HASH);
    }

    private static final UnitHash HASH = hash();

    private static UnitHash hash() {
        try {
            return UnitFile.parse("[Service]\nExecStart=/bin/a\n").hash();
        } catch (io.raftfleet.unit.InvalidUnitException e) {
            throw new AssertionError(e);
        }
    }
}
