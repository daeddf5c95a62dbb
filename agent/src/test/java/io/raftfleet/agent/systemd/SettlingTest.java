package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

final class SettlingTest {
    private static final Duration SOON = Duration.ofMillis(100);
    private static final UnitHash HASH = UnitHash.ofText("[Service]\nExecStart=/bin/true\n");

    private final StateTable table = new StateTable();
    private final Set<String> ordered = new TreeSet<>();
    private final TreeMap<Long, List<Runnable>> timers = new TreeMap<>();
    private final List<String> asked = new ArrayList<>();
    private long now;

    private final Settling settling = new Settling(
            table,
            () -> ordered,
            (task, pause) -> timers.computeIfAbsent(now + pause.toNanos(), none -> new ArrayList<>())
                    .add(task),
            () -> now,
            SOON,
            units -> {
                asked.addAll(units);
                units.forEach(this::told);
            });

    @Test
    void unitsThatNobodyStartsAreAskedForTogether() {
        install(Set.of(), "a.service");
        pass(Duration.ofMillis(50));
        install(Set.of(), "b.service");
        pass(Duration.ofMillis(50));

        assertThat(asked).containsExactlyInAnyOrder("a.service", "b.service");
        assertThat(timers).isEmpty();
    }

    @Test
    void unitsThatAreAboutToBeStartedAreLeftToTheirSignals() {
        install(Set.of("web.service"), "web.service", "idle.service");
        pass(Duration.ofSeconds(4)); // The note of the start takes long to reach the disk.
        assertThat(asked).containsExactly("idle.service");

        ordered.add("web.service");
        pass(Duration.ofSeconds(60)); // systemd has much to do.
        ordered.clear();
        pass(Duration.ofSeconds(20)); // The job waits for others.
        told("web.service");
        settling.startEnded("web.service");
        pass(Duration.ofSeconds(60));

        assertThat(asked).containsExactly("idle.service");
        assertThat(timers).isEmpty();
    }

    @Test
    void unitsWhoseTurnIsYetToComeAreLeftToTheirStartsWhileOthersAreOrdered() {
        install(Set.of("first.service", "last.service"), "first.service", "last.service");
        ordered.add("first.service");
        pass(Duration.ofSeconds(60));
        assertThat(asked).isEmpty();

        ordered.clear();
        told("first.service");
        settling.startEnded("first.service");
        pass(Settling.ANNOUNCED.plusSeconds(2));
        assertThat(asked).containsExactly("last.service");
    }

    @Test
    void aStartThatNeverComesIsNotWaitedForForEver() {
        install(Set.of("web.service"), "web.service");
        pass(Settling.ANNOUNCED.plusSeconds(1));

        assertThat(asked).containsExactly("web.service");
        assertThat(timers).isEmpty();
    }

    @Test
    void aUnitWhoseStartWasOverWithoutAWordIsAskedForAtOnce() {
        install(Set.of("web.service"), "web.service");
        pass(Duration.ofSeconds(1));
        settling.startEnded("web.service");
        pass(SOON);

        assertThat(asked).containsExactly("web.service");
    }

    @Test
    void aFileThatIsNotToBeStartedAfterAllIsAskedFor() {
        install(Set.of("web.service"), "web.service");
        install(Set.of(), "web.service");
        pass(SOON);

        assertThat(asked).containsExactly("web.service");
    }

    @Test
    void aJobThatWaitsForLongIsAskedFor() {
        install(Set.of("web.service"), "web.service");
        ordered.add("web.service");
        pass(Duration.ofSeconds(10));
        ordered.clear();
        pass(Settling.ORDERED.plusSeconds(1));

        assertThat(asked).containsExactly("web.service");
        assertThat(timers).isEmpty();
    }

    @Test
    void anInstallationWhileStartsAreToComeIsAskedForAsSoon() {
        install(Set.of("web.service"), "web.service");
        pass(Duration.ofMillis(500));
        install(Set.of("late.service"), "late.service", "idle.service");
        pass(SOON);
        assertThat(asked).containsExactly("idle.service");

        pass(Settling.ANNOUNCED.plusSeconds(1));
        assertThat(asked).containsExactlyInAnyOrder("idle.service", "web.service", "late.service");
        assertThat(timers).isEmpty();
    }

    @Test
    void afterAReloadAllAreAskedForButThoseThatWillTell() {
        install(Set.of("web.service"), "web.service", "idle.service", "known.service");
        told("known.service");
        ordered.add("known.service");
        assertThat(settling.toAsk()).containsExactlyInAnyOrder("idle.service", "known.service");

        settling.uninstalled(List.of("web.service"));
        assertThat(settling.toAsk()).containsExactlyInAnyOrder("idle.service", "known.service", "web.service");
    }

    private void install(Set<String> toStart, String... names) {
        for (String name : names) {
            table.install(name, HASH);
        }
        settling.installed(List.of(names), toStart);
    }

    private void told(String name) {
        table.listed(List.of(new Systemd.ListedUnit(name, "loaded", "inactive", "dead")), table.installs());
    }

    private void pass(Duration time) {
        long until = now + time.toNanos();
        while (!timers.isEmpty() && timers.firstKey() <= until) {
            var next = timers.pollFirstEntry();
            now = next.getKey();
            next.getValue().forEach(Runnable::run);
        }
        now = until;
    }
}
