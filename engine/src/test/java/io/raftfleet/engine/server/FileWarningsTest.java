package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.LegacyFacts;
import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What is told of units that a registry took when there was no rule against them. */
class FileWarningsTest {
    private static final Duration DEADLINE = Duration.ofSeconds(60);
    private static final String SERVICE = "[Service]\nExecStart=/bin/true\n";

    private final Registry registry = new Registry(10);
    private final Reads reads = new Reads(
            registry,
            deadline -> CompletableFuture.completedFuture(0L),
            units -> CompletableFuture.completedFuture(Map.of()),
            Runnable::run);
    private long index;

    FileWarningsTest() {
        apply(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(1))
                .build());
    }

    private void apply(Record... records) {
        var entry = Entry.newBuilder()
                .setFormat(EntryFormats.needed(List.of(records)))
                .addAllRecords(List.of(records))
                .build();
        assertThat(registry.apply(1, ++index, entry).dropped()).containsOnlyNulls();
    }

    /** As version 0.1 took it. */
    private void has(String name, String... lines) {
        String text = SERVICE + (lines.length == 0 ? "" : "\n[X-Fleet]\n" + String.join("\n", lines) + "\n");
        var hash = UnitHash.ofText(text);
        var records = new ArrayList<Record>();
        if (registry.read(view -> view.contentsVersion(hash)) == 0) {
            records.add(Record.newBuilder()
                    .setContentsStored(ContentsStored.newBuilder()
                            .setContents(UnitContents.newBuilder()
                                    .setHash(hash.toByteString())
                                    .setText(text)))
                    .build());
        }
        records.add(Record.newBuilder()
                .setUnitCreated(UnitCreated.newBuilder()
                        .setName(name)
                        .setHash(hash.toByteString())
                        .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                        .setFacts(LegacyFacts.of(name, text)))
                .build());
        apply(records.toArray(Record[]::new));
    }

    private List<Unit> all(ListUnitsRequest.Builder request, int size) {
        var units = new ArrayList<Unit>();
        String token = "";
        do {
            var page = reads.listUnits(
                            request.setPage(Page.newBuilder().setSize(size).setToken(token))
                                    .build(),
                            DEADLINE)
                    .join();
            units.addAll(page.getUnitsList());
            token = page.getNextToken();
        } while (!token.isEmpty());
        return units;
    }

    private List<String> warnings(String name) {
        return reads.getUnit(GetUnitRequest.newBuilder().setName(name).build(), DEADLINE)
                .join()
                .getUnit()
                .getWarningsList();
    }

    @Test
    void constraintsThatCountForNothingAreTold() {
        has("a.service", "MachineMetadata=host=nowhere role=nobody");
        has("b.service", "MachineMetadata=host=h1", "Conflicts=[a");
        has("p.service", "MachineOf=%i");
        assertThat(warnings("a.service"))
                .singleElement()
                .satisfies(warning -> assertThat(warning)
                        .startsWith("its file would be refused by now: [X-Fleet] MachineMetadata: ")
                        .contains("more than one \"=\"")
                        .endsWith("It keeps what was read in it when it was submitted: no requirement"));
        assertThat(warnings("b.service"))
                .singleElement()
                .satisfies(warning -> assertThat(warning)
                        .contains("[X-Fleet] Conflicts: ")
                        .endsWith(": MachineMetadata=host=h1, Conflicts=[a"));
        assertThat(warnings("p.service")).hasSize(1);
    }

    @Test
    void circularReplacesAreTold() {
        has("a.service", "Replaces=b.service");
        has("b.service", "Replaces=c*");
        has("c1.service", "Replaces=a.service");
        has("c2.service");
        has("d.service", "Replaces=a.service");
        assertThat(warnings("b.service"))
                .containsExactly("that it replaces c1.service counts for nothing, since c1.service replaces a.service,"
                        + " which replaces b.service: take Replaces out of one of them");
        assertThat(warnings("a.service")).hasSize(1);
        assertThat(warnings("c1.service")).hasSize(1);
        assertThat(warnings("d.service")).isEmpty();
    }

    @Test
    void circularReplacesThroughMachineOfAreTold() {
        has("e.service");
        has("f.service", "Replaces=e.service");
        has("q.service", "MachineOf=e.service");
        has("p.service", "MachineOf=q.service", "Replaces=e.service");
        has("r.service", "MachineOf=q.service", "Replaces=f.service");
        assertThat(warnings("p.service"))
                .containsExactly("that it replaces e.service counts for nothing, since it follows e.service:"
                        + " take Replaces out of one of them");
        assertThat(warnings("r.service"))
                .containsExactly("that it replaces f.service counts for nothing, since f.service replaces e.service,"
                        + " which it follows: take Replaces out of one of them");
        assertThat(warnings("q.service")).isEmpty();
    }

    /** Contents that are shared are read once, and yet each unit is judged by its own name and by what it keeps. */
    @Test
    void listsTellOfEachUnitWhatGetUnitTells() {
        for (int i = 0; i < 30; i++) {
            has("plain-" + i + ".service");
            has("good-" + i + ".service", "MachineMetadata=host=h" + i % 3);
            has("bad-" + i + ".service", "MachineMetadata=host=h" + i % 3 + " role=x");
            has("at@" + i + ".service", "MachineOf=peer@%i.service");
            has("at-" + i + ".service", "MachineOf=%i%i");
        }
        var listed = new TreeMap<String, List<String>>();
        all(ListUnitsRequest.newBuilder().setWithWarnings(true), 7)
                .forEach(unit -> listed.put(unit.getName(), unit.getWarningsList()));
        assertThat(listed).hasSize(150);
        listed.forEach((name, told) -> {
            assertThat(told).as(name).hasSize(name.startsWith("bad") || name.startsWith("at-") ? 1 : 0);
            assertThat(told).isEqualTo(warnings(name));
        });
        for (int size : List.of(1, 7, 1000)) {
            assertThat(all(ListUnitsRequest.newBuilder().setWarnedOnly(true), size).stream()
                            .map(Unit::getName)
                            .toList())
                    .hasSize(60)
                    .isSorted()
                    .allMatch(name -> name.startsWith("bad") || name.startsWith("at-"));
        }
        assertThat(all(ListUnitsRequest.newBuilder(), 1000)).allMatch(unit -> unit.getWarningsCount() == 0);
    }
}
