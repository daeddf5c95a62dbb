package io.raftfleet.agent.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ReportQueueTest {
    private static final int LIMIT = 10;

    private long now;
    private final ReportQueue queue = new ReportQueue(2, () -> now);

    private static UnitState state(String name, String active) {
        return UnitState.newBuilder().setName(name).setActiveState(active).build();
    }

    private static UnitState pending(String name) {
        return state(name, "activating").toBuilder().setPending(true).build();
    }

    private StateReport next() {
        StateReport report = queue.next(1, LIMIT);
        assertThat(report).isNotNull();
        return report;
    }

    @Test
    void keepsTheLatestOfEachUnitAlone() {
        for (int i = 0; i < 1000; i++) {
            queue.put(state("a.service", "state" + i));
        }
        assertThat(queue.unacknowledged()).isEqualTo(1);
        assertThat(next().getStatesList()).containsExactly(state("a.service", "state999"));
        assertThat(queue.next(1, LIMIT)).isNull();
    }

    @Test
    void whatTheRegistryHasNotHeardOfGetsOlder() {
        assertThat(queue.lag()).isZero();
        queue.put(state("a.service", "activating"));
        now = 5;
        queue.put(state("a.service", "active"));
        now = 10;
        assertThat(queue.lag()).hasNanos(10);
        assertThat(queue.next(1, 10)).isNotNull();
        queue.put(state("b.service", "active"));
        now = 20;
        assertThat(queue.lag()).hasNanos(20);
        queue.acknowledged(1);
        assertThat(queue.lag()).hasNanos(10);
        assertThat(queue.next(1, 10)).isNotNull();
        queue.put(state("c.service", "active"));
        queue.sessionEnded();
        now = 30;
        assertThat(queue.lag()).as("it was sent and is to be sent again").hasNanos(20);
        assertThat(queue.next(2, 10)).isNotNull();
        queue.acknowledged(1);
        assertThat(queue.lag()).isZero();
    }

    @Test
    void holdsBackWhileTooManyReportsAreUnacknowledged() {
        for (int i = 0; i < 25; i++) {
            queue.put(state("u" + i, "active"));
        }
        assertThat(next().getStatesCount()).isEqualTo(LIMIT);
        assertThat(next().getSequence()).isEqualTo(2);
        assertThat(queue.next(1, LIMIT)).isNull();
        queue.acknowledged(1);
        assertThat(next().getStatesCount()).isEqualTo(5);
        queue.acknowledged(3);
        assertThat(queue.unacknowledged()).isZero();
    }

    @Test
    void sendsAgainWhatTheSessionDidNotAcknowledgeUnlessThereIsNewer() {
        queue.put(state("a", "activating"));
        queue.put(state("b", "active"));
        next();
        queue.put(state("a", "active"));
        next();
        queue.acknowledged(1);
        queue.put(state("c", "active"));
        queue.sessionEnded();
        StateReport again = next();
        assertThat(again.getSequence()).isEqualTo(1);
        assertThat(again.getStatesList()).containsExactlyInAnyOrder(state("a", "active"), state("c", "active"));
    }

    @Test
    void saysHowManyUnitsHaveMoreToCome() {
        queue.put(pending("a"));
        queue.put(pending("b"));
        queue.put(pending("c"));
        assertThat(next().getUnderWay()).isEqualTo(3);
        queue.put(state("a", "active"));
        queue.gone("b");
        assertThat(next().getUnderWay()).isEqualTo(1);
        queue.acknowledged(2);
        queue.put(pending("c"));
        queue.put(state("c", "failed"));
        assertThat(next().getUnderWay()).isZero();
    }

    @Test
    void aUnitThatNeverEndsCountsForAWhileOnly() {
        queue.put(pending("a"));
        now = ReportQueue.UNDER_WAY.toNanos();
        queue.put(pending("a"));
        queue.put(pending("b"));
        assertThat(next().getUnderWay()).isEqualTo(2);
        now++;
        queue.put(state("c", "active"));
        assertThat(next().getUnderWay()).as("a does not count any more").isEqualTo(1);
        queue.acknowledged(2);
        queue.put(pending("a"));
        assertThat(next().getUnderWay()).as("nor with another state").isEqualTo(1);
        queue.put(state("a", "active"));
        queue.put(pending("a"));
        assertThat(next().getUnderWay()).as("begun anew").isEqualTo(2);
    }

    @Test
    void theReportThatEndsAllDoesNotWaitForThoseBeforeIt() {
        queue.put(pending("a"));
        next();
        queue.put(pending("b"));
        next();
        queue.put(state("a", "active"));
        assertThat(queue.next(1, LIMIT)).as("b is under way").isNull();
        queue.put(state("b", "active"));
        assertThat(next().getStatesList()).containsExactly(state("a", "active"), state("b", "active"));
        queue.put(state("c", "active"));
        assertThat(queue.next(1, LIMIT)).as("nothing was under way").isNull();
        queue.acknowledged(2);
        assertThat(next().getStatesList()).containsExactly(state("c", "active"));
    }

    @Test
    void aUnitThatIsDownOrGoneDoesNotWaitForReportsBeforeIt() {
        queue.put(pending("a"));
        next();
        queue.put(pending("b"));
        next();
        queue.put(pending("c"));
        assertThat(queue.next(1, LIMIT)).isNull();
        queue.put(state("d", "failed"));
        assertThat(next().getStatesList()).containsExactly(pending("c"), state("d", "failed"));
        queue.gone("d");
        assertThat(queue.next(1, LIMIT)).as("one more, no more").isNull();
        queue.acknowledged(1);
        assertThat(next().getGoneList()).containsExactly("d");
        queue.put(pending("e"));
        queue.acknowledged(2);
        assertThat(queue.next(1, LIMIT)).as("nothing is down").isNull();
    }

    @Test
    void allReportsThatEndManyOvertakeUpToALimit() {
        int units = (ReportQueue.LAST + 1) * LIMIT;
        for (int i = 0; i < units; i++) {
            queue.put(pending("u" + i));
        }
        assertThat(next().getUnderWay()).isEqualTo(units);
        assertThat(next().getUnderWay()).isEqualTo(units);
        for (int i = 0; i < units; i++) {
            assertThat(queue.next(1, LIMIT)).isNull();
            queue.put(state("u" + i, "active"));
        }
        for (int i = 0; i < ReportQueue.LAST; i++) {
            assertThat(next().getUnderWay()).isZero();
        }
        assertThat(queue.next(1, LIMIT)).isNull();
        queue.acknowledged(1);
        assertThat(next().getStatesCount()).isEqualTo(LIMIT);
        queue.put(state("later", "active"));
        queue.acknowledged(2);
        assertThat(queue.next(1, LIMIT)).as("nothing was under way").isNull();
    }

    @Test
    void aUnitThatWentAndCameIsReportedInThatOrder() {
        queue.gone("a");
        queue.put(state("a", "active"));
        StateReport first = next();
        assertThat(first.getGoneList()).containsExactly("a");
        assertThat(first.getStatesList()).isEmpty();
        assertThat(next().getStatesList()).containsExactly(state("a", "active"));
    }

    @Test
    void tellsOfGoneUnitsOnceTheirReportIsCommitted() {
        List<String> committed = new ArrayList<>();
        queue.connect(() -> {}, committed::addAll);
        queue.gone("a");
        next();
        assertThat(committed).isEmpty();
        queue.acknowledged(1);
        assertThat(committed).containsExactly("a");
    }

    /** Whatever happens, and however often sessions break: in the end the registry has what was put last. */
    @Property(tries = 300)
    void theRegistryEndsUpWithWhatWasPutLast(
            @ForAll @Size(max = 60) List<@IntRange(max = 5) Integer> actions,
            @ForAll @Size(value = 60) List<@IntRange(max = 6) Integer> names) {
        ReportQueue reports = new ReportQueue(2);
        Map<String, UnitState> machine = new TreeMap<>();
        Map<String, UnitState> registry = new TreeMap<>();
        List<StateReport> sent = new ArrayList<>();
        for (int i = 0; i < actions.size(); i++) {
            String name = "u" + names.get(i);
            switch (actions.get(i)) {
                case 0, 1 -> {
                    machine.put(name, i % 3 == 0 ? pending(name) : state(name, i % 3 == 1 ? "active" : "s" + i));
                    reports.put(machine.get(name));
                }
                case 2 -> {
                    machine.remove(name);
                    reports.gone(name);
                }
                case 3 -> {
                    StateReport report = reports.next(1, 2);
                    if (report != null) {
                        apply(registry, report);
                        sent.add(report);
                    }
                }
                case 4 -> {
                    if (!sent.isEmpty()) {
                        reports.acknowledged(sent.remove(0).getSequence());
                    }
                }
                default -> {
                    if (names.get(i) % 2 == 0) {
                        int bucket = Digest.bucket(name);
                        reports.replace(
                                List.of(bucket),
                                machine.values().stream()
                                        .filter(state -> Digest.bucket(state.getName()) == bucket)
                                        .toList(),
                                2);
                    } else {
                        reports.sessionEnded();
                        sent.clear();
                    }
                }
            }
        }
        reports.sessionEnded();
        StateReport report = reports.next(2, 2);
        while (report != null) {
            apply(registry, report);
            reports.acknowledged(report.getSequence());
            report = reports.next(2, 2);
        }
        assertThat(registry).isEqualTo(machine);
        assertThat(reports.unacknowledged()).isZero();
    }

    private static void apply(Map<String, UnitState> registry, StateReport report) {
        report.getWholeBucketsList()
                .forEach(bucket -> registry.keySet().removeIf(name -> Digest.bucket(name) == bucket));
        report.getStatesList().forEach(state -> registry.put(state.getName(), state));
        report.getGoneList().forEach(registry::remove);
    }
}
