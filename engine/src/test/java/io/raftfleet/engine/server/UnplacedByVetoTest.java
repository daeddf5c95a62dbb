package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.model.Veto;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class UnplacedByVetoTest {
    private final List<String> names = new ArrayList<>();
    private final List<Collection<String>> asked = new ArrayList<>();
    private final Map<String, List<Veto>> reasons = new HashMap<>();
    private boolean leading = true;
    private boolean answering = true;
    private long nanos;

    private final UnplacedByVeto counting = new UnplacedByVeto(
            () -> new UnplacedByVeto.Waiting(
                    names.stream().limit(UnplacedByVeto.MOST).toList(), names.size()),
            () -> leading,
            this::explain,
            () -> nanos);

    private CompletableFuture<Map<String, List<Veto>>> explain(Collection<String> units) {
        asked.add(units);
        return answering
                ? CompletableFuture.completedFuture(units.stream()
                        .filter(reasons::containsKey)
                        .collect(Collectors.toMap(unit -> unit, reasons::get)))
                : CompletableFuture.failedFuture(new IllegalStateException("leads no longer"));
    }

    @Test
    void aUnitCountsForTheRequirementThatLeavesTheFewestMachines() {
        waits("a.service", veto("MachineMetadata=disk=ssd", 3), veto("Conflicts=db*", 1), veto("cordon", 4));
        waits("b.service", veto("MachineMetadata=a=b=c", 0));
        waits("c.service", veto("", 0));
        waits("d.service", veto("Something=new", 0));
        waits("e.service");
        assertThat(counting.counts())
                .containsEntry("conflicts", 1)
                .containsEntry("machine_metadata", 1)
                .containsEntry("no_machine", 1)
                .containsEntry("other", 1)
                .containsEntry("none", 1)
                .containsEntry("machine_id", 0)
                .containsEntry("cordon", 0)
                .containsEntry("uncounted", 0);
        assertThat(sum()).isEqualTo(5);
    }

    @Test
    void ofVeryManyTheFirstAreLookedAtAFewAtATimeAndNotWithEveryScrape() {
        IntStream.range(0, 100_000).forEach(i -> waits("u" + i + ".service", veto("MachineID=x", 0)));
        assertThat(counting.counts())
                .containsEntry("machine_id", UnplacedByVeto.MOST)
                .containsEntry("uncounted", 100_000 - UnplacedByVeto.MOST);
        assertThat(asked).hasSize(UnplacedByVeto.MOST / UnplacedByVeto.AT_ONCE);
        asked.clear();
        nanos += TimeUnit.SECONDS.toNanos(UnplacedByVeto.FRESH_SECONDS) - 1;
        counting.counts();
        assertThat(asked).isEmpty();
        nanos++;
        counting.counts();
        assertThat(asked).isNotEmpty();
    }

    @Test
    void anEngineThatDoesNotLeadSaysNothingAndOneThatCanNotTellSaysThat() {
        waits("a.service", veto("MachineID=x", 0));
        answering = false;
        assertThat(counting.counts()).containsEntry("uncounted", 1).containsEntry("machine_id", 0);
        leading = false;
        assertThat(counting.counts()).isEmpty();
        leading = true;
        answering = true;
        assertThat(counting.counts()).containsEntry("machine_id", 1).containsEntry("uncounted", 0);
    }

    private int sum() {
        return counting.counts().values().stream().mapToInt(Integer::intValue).sum();
    }

    private void waits(String name, Veto... vetoes) {
        names.add(name);
        reasons.put(name, List.of(vetoes));
    }

    private static Veto veto(String requirement, int matching) {
        return Veto.newBuilder()
                .setRequirement(requirement)
                .setMatching(matching)
                .build();
    }
}
