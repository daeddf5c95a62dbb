package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.collect.Lists;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesResponse;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineLost;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitFacts;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What lists answer with filters, compared with the same lists without any, filtered here. */
class ListFiltersTest {
    private static final Duration DEADLINE = Duration.ofSeconds(60);
    private static final String TEXT = "[Service]\nExecStart=/bin/true\n";
    private static final Record CONTENTS = Record.newBuilder()
            .setContentsStored(ContentsStored.newBuilder()
                    .setContents(UnitContents.newBuilder()
                            .setHash(UnitHash.ofText(TEXT).toByteString())
                            .setText(TEXT)))
            .build();
    private static final List<String> STEMS = List.of("a", "ab", "web", "web-1", "wea", "dev-a\\x2db", "z@", "web@");
    private static final TargetState[] TARGETS = {
        TargetState.TARGET_STATE_INACTIVE, TargetState.TARGET_STATE_LOADED, TargetState.TARGET_STATE_LAUNCHED
    };

    private final Registry registry = new Registry(10);
    private final Reads reads = new Reads(
            registry,
            deadline -> CompletableFuture.completedFuture(1L),
            units -> CompletableFuture.completedFuture(Map.of()),
            Runnable::run);
    private long index;

    @Test
    @DisplayName("filters admit the rows that a look at every row admits, in pages of any size")
    void sameAsLookingAtEveryRow() {
        long first = ThreadLocalRandom.current().nextLong(1L << 40);
        for (long seed = first; seed < first + 150; seed++) {
            try {
                new ListFiltersTest().compare(new SplittableRandom(seed));
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    @Test
    @DisplayName(
            "a name, a machine, and what a glob begins with are found in a registry larger than what a page looks at")
    void foundAtOnce() {
        int units = 60_000;
        create(units);
        var last = name(units - 1);
        assertThat(states(request(last))).extracting(UnitState::getName).containsExactly(last);
        assertThat(states(request("unit05999[7-9]*")))
                .extracting(UnitState::getName)
                .containsExactly(name(units - 3), name(units - 2), name(units - 1));
        assertThat(states(request(last).setMachineId(machine(1)))).hasSize(1);
        assertThat(states(request(last).setMachineId(machine(0)))).isEmpty();
        assertThat(states(request().setMachineId(machine(2))))
                .extracting(UnitState::getName)
                .containsExactly("other.service");
        assertThat(states(request("unit*").setMachineId(machine(2)))).isEmpty();
        assertThat(units(ListUnitsRequest.newBuilder().addNames(last).addNames("zz*")))
                .extracting(Unit::getName)
                .containsExactly(last);
        assertThat(units(ListUnitsRequest.newBuilder().setUnplacedOnly(true)))
                .extracting(Unit::getName)
                .containsExactly("waits.service");
        assertThat(units(ListUnitsRequest.newBuilder()
                        .addAllNames(IntStream.range(0, 10_000)
                                .mapToObj(i -> "gone" + i + ".service")
                                .toList())))
                .as("ten thousand names of none")
                .isEmpty();
    }

    @Test
    @DisplayName("a page ends without a row and with a token only where globs admitted none of as many as it looks at")
    void shortPages() {
        create(60_000);
        var page = reads.listUnits(
                        ListUnitsRequest.newBuilder()
                                .addNames("unit*9998.service")
                                .build(),
                        DEADLINE)
                .join();
        assertThat(page.getUnitsCount()).isEqualTo(2);
        assertThat(page.getNextToken()).isNotEmpty();
        assertThat(units(ListUnitsRequest.newBuilder().addNames("unit*9998.service")))
                .hasSize(6);
    }

    private void compare(SplittableRandom random) {
        fill(random);
        var allUnits = units(ListUnitsRequest.newBuilder());
        var allStates = states(ListUnitStatesRequest.newBuilder());
        for (int round = 0; round < 20; round++) {
            var patterns = patterns(random);
            var size = Page.newBuilder().setSize(1 + random.nextInt(8));
            boolean unplaced = random.nextInt(3) == 0;
            Predicate<Unit> waits = unit -> !unit.getGlobal()
                    && unit.getMachineId().isEmpty()
                    && unit.getTargetState() != TargetState.TARGET_STATE_INACTIVE;
            assertThat(units(ListUnitsRequest.newBuilder()
                            .addAllNames(patterns)
                            .setUnplacedOnly(unplaced)
                            .setPage(size)))
                    .as("units %s, unplaced %s", patterns, unplaced)
                    .containsExactlyElementsOf(allUnits.stream()
                            .filter(unit -> admits(patterns, unit.getName()))
                            .filter(unit -> !unplaced || waits.test(unit))
                            .toList());
            var machine = random.nextBoolean() ? "" : machine(random.nextInt(5));
            assertThat(states(ListUnitStatesRequest.newBuilder()
                            .addAllNames(patterns)
                            .setMachineId(machine)
                            .setPage(size)))
                    .as("states %s of \"%s\"", patterns, machine)
                    .containsExactlyElementsOf(allStates.stream()
                            .filter(state -> admits(patterns, state.getName()))
                            .filter(state ->
                                    machine.isEmpty() || state.getMachineId().equals(machine))
                            .toList());
            // A token of another list of states says where to go on, whatever the filter.
            var from = allStates.isEmpty() ? null : allStates.get(random.nextInt(allStates.size()));
            if (from != null) {
                var token = new PageToken('s', from.getName(), from.getMachineId()).encode();
                assertThat(states(ListUnitStatesRequest.newBuilder()
                                .addAllNames(patterns)
                                .setMachineId(machine)
                                .setPage(size.setToken(token))))
                        .as("states %s of \"%s\" after %s", patterns, machine, from)
                        .containsExactlyElementsOf(
                                allStates.subList(allStates.indexOf(from) + 1, allStates.size()).stream()
                                        .filter(state -> admits(patterns, state.getName()))
                                        .filter(state -> machine.isEmpty()
                                                || state.getMachineId().equals(machine))
                                        .toList());
            }
        }
        var allMachines = machines(true);
        assertThat(machines(false))
                .containsExactlyElementsOf(allMachines.stream()
                        .filter(m -> m.getPresence() == MachinePresence.MACHINE_PRESENCE_PRESENT)
                        .toList());
    }

    private static boolean admits(List<String> patterns, String name) {
        return patterns.isEmpty()
                || patterns.stream().anyMatch(pattern -> glob(pattern).matches(name));
    }

    private static Glob glob(String pattern) {
        try {
            return Glob.compile(pattern);
        } catch (InvalidPatternException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Names and globs, some of which contain one another. */
    private static List<String> patterns(SplittableRandom random) {
        var patterns = new ArrayList<String>();
        for (int i = random.nextInt(5); i > 0; i--) {
            var name = name(random).replace("\\", "\\\\");
            int cut = random.nextInt(name.length() + 1);
            cut = cut > 0 && name.charAt(cut - 1) == '\\' ? cut - 1 : cut;
            patterns.add(
                    switch (random.nextInt(6)) {
                        case 0, 1 -> name;
                        case 2 -> name.substring(0, cut) + "*";
                        case 3 -> "*" + name.substring(name.indexOf('.'));
                        case 4 -> name.substring(0, cut) + "?*.s[eo]*";
                        default -> name.substring(0, cut) + "[a-w]*";
                    });
        }
        return patterns;
    }

    private static String name(SplittableRandom random) {
        var stem = STEMS.get(random.nextInt(STEMS.size()));
        return stem
                + (stem.endsWith("@") || random.nextBoolean() ? String.valueOf(random.nextInt(12)) : "")
                + (random.nextInt(4) == 0 ? ".socket" : ".service");
    }

    private void fill(SplittableRandom random) {
        begin();
        var records = new ArrayList<>(List.of(CONTENTS));
        for (int i = 0; i < 5; i++) {
            records.add(open(machine(i), 1));
        }
        for (int i = random.nextInt(60); i > 0; i--) {
            var name = name(random);
            boolean global = random.nextInt(8) == 0;
            records.add(created(name, TARGETS[random.nextInt(TARGETS.length)], global));
            if (!global && random.nextBoolean()) {
                records.add(scheduled(name, machine(random.nextInt(5))));
            }
        }
        for (int i = 0; i < 5; i++) {
            var names = IntStream.range(0, random.nextInt(20))
                    .mapToObj(n -> name(random))
                    .toList();
            records.add(reported(machine(i), names));
        }
        if (random.nextBoolean()) {
            records.add(Record.newBuilder()
                    .setMachineLost(MachineLost.newBuilder()
                            .setMachineId(machine(random.nextInt(5)))
                            .setSessionEpoch(1))
                    .build());
        }
        apply(records);
    }

    /** Units on a first and a second machine in turn, a state of a third machine, and a unit that waits. */
    private void create(int units) {
        begin();
        var records = new ArrayList<>(List.of(CONTENTS, open(machine(0), 1), open(machine(1), 1), open(machine(2), 1)));
        var names = List.of(new ArrayList<String>(), new ArrayList<String>());
        for (int i = 0; i < units; i++) {
            records.add(created(name(i), TargetState.TARGET_STATE_LAUNCHED, false));
            records.add(scheduled(name(i), machine(i % 2)));
            names.get(i % 2).add(name(i));
        }
        records.add(reported(machine(0), names.get(0)));
        records.add(reported(machine(1), names.get(1)));
        records.add(reported(machine(2), List.of("other.service")));
        records.add(created("waits.service", TargetState.TARGET_STATE_LOADED, false));
        records.add(created("idle.service", TargetState.TARGET_STATE_INACTIVE, false));
        records.add(created("global.service", TargetState.TARGET_STATE_LAUNCHED, true));
        apply(records);
    }

    private void begin() {
        apply(List.of(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(7))
                .build()));
    }

    private void apply(List<Record> records) {
        for (var some : Lists.partition(records, 10_000)) {
            var applied = registry.apply(
                    1,
                    ++index,
                    Entry.newBuilder().setFormat(3).addAllRecords(some).build());
            assertThat(applied.dropped().stream().filter(why -> why != null && !why.contains("exists")))
                    .isEmpty();
        }
    }

    /** All pages; of each but the last one, that it has a row. */
    private List<UnitState> states(ListUnitStatesRequest.Builder request) {
        var states = new ArrayList<UnitState>();
        ListUnitStatesResponse page;
        do {
            page = reads.listUnitStates(request.build(), DEADLINE).join();
            states.addAll(page.getStatesList());
            request.getPageBuilder().setToken(page.getNextToken());
            assertThat(page.getNextToken().isEmpty() || page.getStatesCount() > 0)
                    .as("a page without a row is the last one")
                    .isTrue();
        } while (!page.getNextToken().isEmpty());
        return states;
    }

    private List<Unit> units(ListUnitsRequest.Builder request) {
        var units = new ArrayList<Unit>();
        ListUnitsResponse page;
        do {
            page = reads.listUnits(request.build(), DEADLINE).join();
            units.addAll(page.getUnitsList());
            request.getPageBuilder().setToken(page.getNextToken());
            assertThat(page.getNextToken().isEmpty() || page.getUnitsCount() > 0)
                    .as("a page without a row is the last one")
                    .isTrue();
        } while (!page.getNextToken().isEmpty());
        return units;
    }

    private List<Machine> machines(boolean lost) {
        return reads.listMachines(
                        ListMachinesRequest.newBuilder().setIncludeLost(lost).build(), DEADLINE)
                .join()
                .getMachinesList();
    }

    private static ListUnitStatesRequest.Builder request(String... names) {
        return ListUnitStatesRequest.newBuilder().addAllNames(List.of(names));
    }

    private static String name(int i) {
        return String.format(Locale.ROOT, "unit%06d.service", i);
    }

    private static String machine(int i) {
        return String.format(Locale.ROOT, "%032x", 7 + i);
    }

    private static Record open(String machine, long epoch) {
        return Record.newBuilder()
                .setSessionOpened(
                        SessionOpened.newBuilder().setMachineId(machine).setSessionEpoch(epoch))
                .build();
    }

    private static Record created(String name, TargetState target, boolean global) {
        return Record.newBuilder()
                .setUnitCreated(UnitCreated.newBuilder()
                        .setName(name)
                        .setHash(UnitHash.ofText(TEXT).toByteString())
                        .setTargetState(target)
                        .setFacts(UnitFacts.newBuilder().setGlobal(global)))
                .build();
    }

    private static Record scheduled(String name, String machine) {
        return Record.newBuilder()
                .setUnitScheduled(
                        UnitScheduled.newBuilder().setName(name).setVersion(-1).setMachineId(machine))
                .build();
    }

    private static Record reported(String machine, List<String> names) {
        return Record.newBuilder()
                .setStatesReported(StatesReported.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(1)
                        .setSequence(1)
                        .addAllStates(names.stream()
                                .distinct()
                                .map(name -> UnitState.newBuilder()
                                        .setName(name)
                                        .setLoadState("loaded")
                                        .setActiveState("active")
                                        .setSubState("running")
                                        .build())
                                .toList()))
                .build();
    }
}
