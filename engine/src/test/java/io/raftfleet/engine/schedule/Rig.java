package io.raftfleet.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.unit.Requirements;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A scheduler with the facts that it was told and the decisions that it took, checked against each other. */
final class Rig {
    /** No scenario here needs nearly as many; more means that decisions don't come to rest. */
    private static final int MOST_ROUNDS = 2_000;

    final Scheduler scheduler = new Scheduler();
    final Facts facts = new Facts();

    Rig machines(String... ids) {
        for (String id : ids) {
            machine(id);
        }
        return this;
    }

    Rig machine(String id, String... metadata) {
        return putMachine(id, true, metadata);
    }

    Rig lose(String id) {
        return putMachine(id, facts.machine(id).metadata(), false);
    }

    Rig back(String id) {
        return putMachine(id, facts.machine(id).metadata(), true);
    }

    private Rig putMachine(String id, boolean present, String... metadata) {
        Map<String, String> map = new LinkedHashMap<>();
        for (String pair : metadata) {
            int equals = pair.indexOf('=');
            map.put(pair.substring(0, equals), pair.substring(equals + 1));
        }
        return putMachine(id, map, present);
    }

    Rig putMachine(String id, Map<String, String> metadata, boolean present) {
        facts.machines.put(id, new Facts.MachineFact(metadata, present));
        scheduler.putMachine(id, metadata, present, Upkeep.NONE);
        return this;
    }

    /** A launched unit, new or with other options, where it was. */
    Rig unit(String name, String... options) {
        Facts.UnitFact known = facts.units.get(name);
        return put(
                name,
                Facts.requirements(name, options),
                TargetState.TARGET_STATE_LAUNCHED,
                known == null ? null : known.machine());
    }

    Rig target(String name, TargetState target) {
        Facts.UnitFact known = facts.unit(name);
        return put(name, known.requirements(), target, known.machine());
    }

    Rig put(String name, Requirements requirements, TargetState target, @Nullable String machine) {
        facts.units.put(name, new Facts.UnitFact(name, requirements, target, machine));
        scheduler.putUnit(name, requirements, target, machine);
        return this;
    }

    Rig remove(String name) {
        facts.units.remove(name);
        scheduler.removeUnit(name);
        return this;
    }

    /** Takes at most so many decisions, once. */
    List<Decision> decide(int limit) {
        List<Decision> decisions = scheduler.decide(limit);
        assertThat(decisions).hasSizeLessThanOrEqualTo(limit);
        decisions.forEach(facts::apply);
        return decisions;
    }

    /** Decides until nothing is left to decide. */
    List<Decision> settle() {
        return settle(1_000);
    }

    List<Decision> settle(int limit) {
        List<Decision> all = new ArrayList<>();
        for (int round = 0; scheduler.hasWork(); round++) {
            assertThat(round).as(() -> "decisions come to rest; so far " + all).isLessThan(MOST_ROUNDS);
            all.addAll(decide(limit));
        }
        assertThat(facts.faults()).isEmpty();
        return all;
    }

    /** Where a unit is; null for nowhere. */
    @Nullable
    String on(String unit) {
        return facts.unit(unit).machine();
    }

    List<String> vetoes(String unit) {
        return scheduler.explain(unit).stream().map(Veto::getMessage).toList();
    }
}
