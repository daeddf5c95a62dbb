package io.raftfleet.state;

import static io.raftfleet.state.Entries.OTHER;
import static io.raftfleet.state.Entries.PLAIN;
import static io.raftfleet.state.Versions.IN_THIS_ENTRY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitHash;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SpeculationTest {
    private static final TargetState LAUNCHED = TargetState.TARGET_STATE_LAUNCHED;
    private static final TargetState INACTIVE = TargetState.TARGET_STATE_INACTIVE;

    private final Registry registry = new Registry(100);
    private long index;

    @BeforeEach
    void hasAUnitOnAMachine() {
        apply(
                Entries.open("m1", 1, Map.of()),
                Entries.contents(PLAIN),
                Entries.create("a.service", PLAIN, LAUNCHED, 0));
        apply(Entries.schedule("a.service", applied("a.service").version(), "m1"));
    }

    @Test
    void whatIsDecidedIsThereAheadAndNotApplied() {
        var before = registry.digest();
        var ahead = registry.speculate();

        var changes = ahead.apply(Entries.target("a.service", version(ahead, "a.service"), INACTIVE));
        assertThat(changes)
                .singleElement()
                .satisfies(change -> assertThat(((Change.OfUnit) change).name()).isEqualTo("a.service"));
        ahead.apply(Entries.contents(OTHER));
        ahead.apply(Entries.create("b.service", OTHER, LAUNCHED, 0));
        ahead.apply(Entries.schedule("b.service", version(ahead, "b.service"), "m1"));
        ahead.apply(Entries.lost("m1", 1));

        assertThat(unit(ahead, "a.service").machineId()).isNull();
        assertThat(unit(ahead, "b.service").machineId()).isEqualTo("m1");
        assertThat(ahead.<Boolean>read(view -> view.present("m1"))).isFalse();
        assertThat(applied("a.service").machineId()).isEqualTo("m1");
        assertThat(registry.digest()).isEqualTo(before);
        assertThat(registry.capture().rows()).as("nothing but what was applied").hasSize(4);
        registry.read(view -> {
            assertThat(view.present("m1")).isTrue();
            assertThat(view.units()).containsOnlyKeys("a.service");
            assertThat(view.scheduledTo("m1")).containsExactly("a.service");
            assertThat(view.departures("a.service")).isEmpty();
            assertThat(view.contents(UnitHash.ofText(OTHER))).isNull();
            return 0;
        });
    }

    @Test
    void recordsOnWhatThisEntryChangedSaySo() {
        var ahead = registry.speculate();
        assertThat(version(ahead, "a.service")).isEqualTo(applied("a.service").version());
        ahead.apply(Entries.target("a.service", version(ahead, "a.service"), INACTIVE));
        assertThat(version(ahead, "a.service")).isEqualTo(IN_THIS_ENTRY);
    }

    @Test
    void contentsGoWithTheLastUnitThatHasThem() {
        var ahead = registry.speculate();
        var plain = UnitHash.ofText(PLAIN);
        ahead.apply(Entries.create("b.service", PLAIN, LAUNCHED, 0));
        ahead.apply(Entries.destroy("a.service", version(ahead, "a.service")));
        assertThat(ahead.<@Nullable String>read(view -> view.contents(plain))).isEqualTo(PLAIN);
        ahead.apply(Entries.destroy("b.service", version(ahead, "b.service")));
        assertThat(ahead.<@Nullable String>read(view -> view.contents(plain))).isNull();
        assertThat(ahead.<Long>read(view -> view.growthBy(plain, PLAIN))).isPositive();
        assertThatThrownBy(() -> ahead.apply(Entries.create("c.service", PLAIN, LAUNCHED, 0)))
                .hasMessageContaining("are unknown");
    }

    /** Would the leader propose it, it would be dropped: better that its own request fails than that it is said to be done. */
    @Test
    void whatWouldBeDroppedIsToldBeforeItIsProposed() {
        var ahead = registry.speculate();
        assertThatThrownBy(() -> ahead.apply(Entries.create("a.service", PLAIN, LAUNCHED, 0)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("UNIT_CREATED was decided that does not hold: unit a.service exists");
    }

    @Test
    void anEntryOfAnotherLeaderEndsIt() {
        var ahead = registry.speculate();
        apply(Entries.open("m2", 1, Map.of()));
        assertThatThrownBy(() -> ahead.read(view -> view.unit("a.service")))
                .isInstanceOf(Speculation.OvertakenException.class);
        assertThatThrownBy(() -> ahead.apply(Entries.lost("m1", 1))).isInstanceOf(Speculation.OvertakenException.class);
        assertThat(registry.<Boolean>read(view -> view.present("m1"))).isTrue();
    }

    private void apply(Record... records) {
        assertThat(registry.apply(1, ++index, Entries.entry(records)).dropped()).containsOnlyNulls();
    }

    private UnitRecord applied(String name) {
        return Objects.requireNonNull(registry.<@Nullable UnitRecord>read(view -> view.unit(name)));
    }

    private static UnitRecord unit(Speculation ahead, String name) {
        return Objects.requireNonNull(ahead.<@Nullable UnitRecord>read(view -> view.unit(name)));
    }

    private static long version(Speculation ahead, String name) {
        return ahead.version(unit(ahead, name));
    }
}
