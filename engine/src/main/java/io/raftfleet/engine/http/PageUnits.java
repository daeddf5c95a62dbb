package io.raftfleet.engine.http;

import static java.util.stream.Collectors.groupingBy;

import com.google.common.collect.Iterables;
import com.google.common.collect.Lists;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.engine.http.Documents.UnitStateDocument;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code /page/units}: units with their states, {@value #ROWS} at a time. {@code unit}, any number of times, are names; {@code name} is a glob
 * that they match besides; {@code machine} is where they are, {@code unplaced} those that are nowhere.
 */
final class PageUnits {
    private static final int ROWS = 200;
    /** Of the units of a page: a global one has one on each machine. */
    private static final int STATES = 10_000;
    /** As many as the page asks for at once. */
    private static final int NAMES = 200;

    private final FleetApi api;
    private final Deadlines deadlines;

    PageUnits(FleetApi api, Deadlines deadlines) {
        this.api = api;
        this.deadlines = deadlines;
    }

    /** @param statesCut whether a global unit is on more machines than there are states here */
    record UnitRow(
            String changedBy,
            @Nullable String currentState,
            @Nullable String desiredState,
            boolean global,
            String machineID,
            String name,
            List<UnitStateDocument> states,
            @Nullable Boolean statesCut) {}

    record UnitRows(String nextPageToken, List<UnitRow> units) {}

    /** @param cutFrom name of the first unit that may have more states than these; null when all are there */
    private record States(List<UnitState> rows, @Nullable String cutFrom) {
        static final States NONE = new States(List.of(), null);
    }

    CompletableFuture<HttpReply> list(HttpCall call) {
        var names = call.query().getOrDefault("unit", List.of());
        if (names.size() > NAMES) {
            throw new HttpProblem(400, names.size() + " units are asked for; at most " + NAMES + " are answered");
        }
        var glob = Reads.first(call, "name");
        var wanted = names.isEmpty()
                ? glob.isEmpty() ? List.<String>of() : List.of(glob)
                : names.stream().map(Reads::exactly).toList();
        Predicate<String> admitted = names.isEmpty() || glob.isEmpty() ? name -> true : compiled(glob)::matches;
        var machine = Reads.first(call, "machine");
        return machine.isEmpty() ? anywhere(call, wanted, admitted) : on(machine, call, wanted, admitted);
    }

    private static Glob compiled(String glob) {
        try {
            return Glob.compile(glob);
        } catch (InvalidPatternException e) {
            throw new HttpProblem(400, String.valueOf(e.getMessage()));
        }
    }

    private CompletableFuture<HttpReply> anywhere(HttpCall call, List<String> wanted, Predicate<String> admitted) {
        var request = ListUnitsRequest.newBuilder()
                .setPage(Reads.page(call, ROWS))
                .setRead(Reads.options(call))
                .setUnplacedOnly(Reads.first(call, "unplaced").equals("true"))
                .addAllNames(wanted)
                .build();
        return api.listUnits(request, deadlines.read()).thenCompose(page -> {
            var units = page.getUnitsList().stream()
                    .filter(unit -> admitted.test(unit.getName()))
                    .toList();
            // Apart, so that those that are on all machines leave the others theirs.
            var single = states(call, units.stream().filter(unit -> !unit.getGlobal()));
            var global = states(call, units.stream().filter(Unit::getGlobal));
            return single.thenCombine(
                    global,
                    (some, more) -> reply(
                            page.getNextToken(),
                            units,
                            new States(Lists.newArrayList(Iterables.concat(some.rows(), more.rows())), more.cutFrom()),
                            page.getRevision()));
        });
    }

    private CompletableFuture<States> states(HttpCall call, Stream<Unit> units) {
        var names = exactly(units.map(Unit::getName).toList());
        if (names.isEmpty()) {
            return CompletableFuture.completedFuture(States.NONE);
        }
        var request = ListUnitStatesRequest.newBuilder()
                .setPage(Page.newBuilder().setSize(STATES))
                .setRead(Reads.options(call))
                .addAllNames(names)
                .build();
        return api.listUnitStates(request, deadlines.read())
                .thenApply(found -> new States(
                        found.getStatesList(),
                        found.getNextToken().isEmpty() || found.getStatesCount() == 0
                                ? null
                                : found.getStates(found.getStatesCount() - 1).getName()));
    }

    /** Those whose states this machine reports: they are found by machine at once, however many units there are elsewhere. */
    private CompletableFuture<HttpReply> on(
            String machine, HttpCall call, List<String> wanted, Predicate<String> admitted) {
        var request = ListUnitStatesRequest.newBuilder()
                .setPage(Reads.page(call, ROWS))
                .setRead(Reads.options(call))
                .setMachineId(machine)
                .addAllNames(wanted)
                .build();
        return api.listUnitStates(request, deadlines.read()).thenCompose(page -> {
            var states = page.getStatesList().stream()
                    .filter(state -> admitted.test(state.getName()))
                    .toList();
            if (states.isEmpty()) {
                return reply(page.getNextToken(), List.of(), States.NONE, page.getRevision())
                        .now();
            }
            var units = ListUnitsRequest.newBuilder()
                    .setPage(Page.newBuilder().setSize(ROWS))
                    .setRead(Reads.options(call))
                    .addAllNames(exactly(states.stream().map(UnitState::getName).toList()))
                    .build();
            return api.listUnits(units, deadlines.read())
                    .thenApply(found -> reply(
                            page.getNextToken(), found.getUnitsList(), new States(states, null), page.getRevision()));
        });
    }

    private static List<String> exactly(Collection<String> names) {
        return names.stream().map(Reads::exactly).toList();
    }

    private static HttpReply reply(String token, List<Unit> units, States states, Revision revision) {
        var byName = states.rows().stream().collect(groupingBy(UnitState::getName));
        return HttpReply.json(
                        200,
                        new UnitRows(
                                token,
                                units.stream()
                                        .map(unit -> row(
                                                unit,
                                                byName.getOrDefault(unit.getName(), List.of()),
                                                unit.getGlobal()
                                                        && states.cutFrom() != null
                                                        && unit.getName().compareTo(states.cutFrom()) >= 0))
                                        .toList()))
                .at(revision);
    }

    private static UnitRow row(Unit unit, List<UnitState> states, boolean cut) {
        return new UnitRow(
                unit.getChangedBy(),
                Words.of(unit.getCurrentState()),
                Words.of(unit.getTargetState()),
                unit.getGlobal(),
                unit.getMachineId(),
                unit.getName(),
                states.stream().map(StateResource::document).toList(),
                cut ? Boolean.TRUE : null);
    }
}
