package io.raftfleet.state;

import java.util.Comparator;

/** Place in the list of states: by the unit's name, then machine. */
sealed interface UnitStatePlace permits UnitStatePlace.Of, UnitStateRecord {
    Comparator<UnitStatePlace> ORDER =
            Comparator.comparing(UnitStatePlace::name).thenComparing(UnitStatePlace::machineId);

    String name();

    String machineId();

    /** One where there need be no state. */
    record Of(String name, String machineId) implements UnitStatePlace {}
}
