package io.raftfleet.engine.server;

import io.grpc.Status;
import io.raftfleet.engine.api.AbsentAt;
import io.raftfleet.engine.api.Async;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.fleet.ListEventsResponse;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListMachinesResponse;
import io.raftfleet.proto.fleet.ListRolloutsRequest;
import io.raftfleet.proto.fleet.ListRolloutsResponse;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesResponse;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.state.FencedUnits;
import io.raftfleet.state.LoggedEvent;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.Rollout;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.state.UnitStateRecord;
import io.raftfleet.state.Versions;
import io.raftfleet.state.raft.ReplicationException;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Answers reads from this engine's registry: linearizable after a confirmed read index, stale at once. Each page is of one
 * revision, which it states. One page holds up the application of entries for as long as it takes to build it, and so is
 * bounded in rows and in how many rows are looked at. Only rows that a filter may admit are looked at: by name, by what globs
 * begin with, by machine; so a page without a row is the last one, unless globs, or the wish for warnings, admitted none of as
 * many rows as a page looks at.
 */
public final class Reads {
    /** Machines that are named in one reason. */
    private static final int MOST_NAMED = 5;

    private static final int DEFAULT_PAGE = 1000;
    private static final int MAX_PAGE = 10_000;
    /** A filtered page ends after so many looks at names, even if it is short: one a row, and one more a glob that may admit it. */
    private static final int MAX_SCAN = 50_000;
    /** Contents on one page, in characters: well below what a gRPC message may have. */
    private static final int MAX_PAGE_CONTENTS = 2 * 1024 * 1024;

    private static final char UNITS = 'u';
    private static final char STATES = 's';
    private static final char MACHINES = 'm';
    private static final char EVENTS = 'e';

    /** Completes when this engine has applied all that was acknowledged before the call. */
    @FunctionalInterface
    public interface ReadIndex {
        /** Fails with {@link ReplicationException} when no quorum confirms it in time. */
        CompletableFuture<Long> await(Duration deadline);
    }

    /** Says, on an engine that leads, why units have no place, by name. */
    @FunctionalInterface
    public interface Reasons {
        /** Those of the units that have any. Fails where this engine does not lead. Who gives up completes it, and nothing more is looked for. */
        CompletableFuture<Map<String, List<Veto>>> of(Collection<String> units);
    }

    private final Registry registry;
    private final ReadIndex readIndex;
    private final Reasons reasons;
    private final Executor threads;
    private final FileWarnings warnings = new FileWarnings();

    /**
     * @param registry read as it is when a page is built
     * @param readIndex waited for by reads that may not be stale
     * @param reasons of units that wait
     * @param threads build the answers: what a page costs must not be paid by the thread that found the read index, which has
     *     followers to hear, nor by one that serves many connections
     */
    public Reads(Registry registry, ReadIndex readIndex, Reasons reasons, Executor threads) {
        this.registry = registry;
        this.readIndex = readIndex;
        this.reasons = reasons;
        this.threads = threads;
    }

    CompletableFuture<GetUnitResponse> getUnit(GetUnitRequest request, Duration deadline) {
        return read(request.getRead(), deadline, view -> {
            var unit = view.unit(request.getName());
            if (unit == null) {
                throw AbsentAt.failure("unit " + request.getName() + " does not exist", view.revision());
            }
            return GetUnitResponse.newBuilder()
                    .setUnit(
                            noted(view, unit, view.message(unit, true), startsWait(view), new FencedUnits(view))
                                    .toBuilder()
                                    .addAllWarnings(warnings.page(view).of(unit)))
                    .addAllStates(view.statesOf(unit.name()).stream()
                            .map(UnitStateRecord::state)
                            .toList())
                    .setRevision(view.revision())
                    .build();
        });
    }

    /** A page of units; see {@code ListUnits} in {@code fleet.proto}, also for how it fails. */
    public CompletableFuture<ListUnitsResponse> listUnits(ListUnitsRequest request, Duration deadline) {
        return checked(() -> {
            var filter = new NameFilter(request.getNamesList());
            var from = PageToken.decode(UNITS, request.getPage().getToken());
            int size = size(request.getPage());
            boolean warned = request.getWithWarnings() || request.getWarnedOnly();
            var wanted = new CallClock(deadline);
            return read(request.getRead(), deadline, view -> {
                var page = ListUnitsResponse.newBuilder().setRevision(view.revision());
                var flaws = warnings.page(view);
                var units = request.getUnplacedOnly() ? view.unplaced() : view.units();
                var waits = request.getWithVetoes() ? startsWait(view) : null;
                var fenced = new FencedUnits(view);
                int looked = 0;
                int contents = 0;
                String last = "";
                for (var range : filter.from(from.name())) {
                    wanted.check(range.cost());
                    for (var unit : range.tail(units, from.name(), false)) {
                        if (!range.contains(unit.name())) {
                            break;
                        }
                        if (page.getUnitsCount() >= size
                                || looked + flaws.cost() >= MAX_SCAN
                                || contents >= MAX_PAGE_CONTENTS) {
                            return page.setNextToken(new PageToken(UNITS, last, "").encode())
                                    .build();
                        }
                        wanted.check(range.cost());
                        looked += range.cost();
                        last = unit.name();
                        if (!range.admits(unit.name())) {
                            continue;
                        }
                        var told = warned ? flaws.of(unit) : List.<String>of();
                        if (!told.isEmpty() || !request.getWarnedOnly()) {
                            var message = view.message(unit, request.getWithContents());
                            contents += message.getContents().getText().length()
                                    + message.getContents().getSource().length();
                            var noted = noted(view, unit, message, waits, fenced);
                            page.addUnits(
                                    told.isEmpty()
                                            ? noted
                                            : noted.toBuilder()
                                                    .addAllWarnings(told)
                                                    .build());
                        }
                    }
                }
                return page.build();
            });
        });
    }

    /** A page of states; see {@code ListUnitStates} in {@code fleet.proto}, also for how it fails. */
    public CompletableFuture<ListUnitStatesResponse> listUnitStates(ListUnitStatesRequest request, Duration deadline) {
        return checked(() -> {
            var filter = new NameFilter(request.getNamesList());
            var from = PageToken.decode(STATES, request.getPage().getToken());
            int size = size(request.getPage());
            var wanted = new CallClock(deadline);
            return read(request.getRead(), deadline, view -> {
                var page = ListUnitStatesResponse.newBuilder().setRevision(view.revision());
                int looked = 0;
                var last = from;
                for (var range : filter.from(from.name())) {
                    wanted.check(range.cost());
                    for (var record : states(view, range, from, request.getMachineId())) {
                        if (!range.contains(record.name())) {
                            break;
                        }
                        if (page.getStatesCount() >= size || looked >= MAX_SCAN) {
                            return page.setNextToken(last.encode()).build();
                        }
                        wanted.check(range.cost());
                        looked += range.cost();
                        last = new PageToken(STATES, record.name(), record.machineId());
                        if (range.admits(record.name())) {
                            page.addStates(record.state());
                        }
                    }
                }
                return page.build();
            });
        });
    }

    /** States from the range's first name on and behind the token's place: on whatever machines, or on one. */
    private static Iterable<UnitStateRecord> states(
            RegistryView view, NameFilter.Range range, PageToken from, String machineId) {
        if (!machineId.isEmpty()) {
            return range.tail(
                    view.statesOn(machineId), from.name(), from.machineId().compareTo(machineId) < 0);
        }
        return range.first().compareTo(from.name()) > 0
                ? view.statesAfter(range.first(), "")
                : view.statesAfter(from.name(), from.machineId());
    }

    CompletableFuture<ListMachinesResponse> listMachines(ListMachinesRequest request, Duration deadline) {
        return checked(() -> {
            var from = PageToken.decode(MACHINES, request.getPage().getToken());
            int size = size(request.getPage());
            return read(request.getRead(), deadline, view -> {
                var page = ListMachinesResponse.newBuilder().setRevision(view.revision());
                var machines = request.getIncludeLost() ? view.machines() : view.machinesPresent();
                String last = "";
                for (var machine : machines.from(from.name(), false)) {
                    if (page.getMachinesCount() >= size) {
                        return page.setNextToken(new PageToken(MACHINES, last, "").encode())
                                .build();
                    }
                    last = machine.id();
                    page.addMachines(view.message(machine));
                }
                return page.build();
            });
        });
    }

    /** A page of what has happened; see {@code ListEvents} in {@code fleet.proto}, also for how it fails. */
    CompletableFuture<ListEventsResponse> listEvents(ListEventsRequest request, Duration deadline) {
        return checked(() -> {
            var filter = new NameFilter(request.getNamesList());
            var token = PageToken.decode(EVENTS, request.getPage().getToken());
            int size = size(request.getPage());
            var wanted = new CallClock(deadline);
            return read(request.getRead(), deadline, view -> {
                var page = ListEventsResponse.newBuilder().setRevision(view.revision());
                long after = after(view, request, token);
                page.setGap(isMissing(view, after, request.getSinceMs()));
                int looked = 0;
                long last = after;
                for (var event : view.happenedAfter(after)) {
                    if (page.getEventsCount() >= size || looked >= MAX_SCAN) {
                        return page.setNextToken(
                                        new PageToken(EVENTS, Long.toString(last), Long.toString(view.incarnation()))
                                                .encode())
                                .build();
                    }
                    wanted.check(filter.cost());
                    looked += filter.cost();
                    last = event.version();
                    if (asked(request, filter, event)) {
                        page.addEvents(view.message(event));
                    }
                }
                return page.build();
            });
        });
    }

    /** All rollouts, the newest last; see {@code ListRollouts} in {@code fleet.proto}, also for how it fails. */
    CompletableFuture<ListRolloutsResponse> listRollouts(ListRolloutsRequest request, Duration deadline) {
        return read(request.getRead(), deadline, view -> {
            var named = request.getId();
            return ListRolloutsResponse.newBuilder()
                    .setRevision(view.revision())
                    .addAllRollouts(view.rollouts().stream()
                            .filter(rollout -> named.isEmpty() || rollout.id().equals(named))
                            .sorted(Comparator.comparingLong(Rollout::startedMs))
                            .map(rollout -> rollout.message(!named.isEmpty()))
                            .toList())
                    .build();
        });
    }

    private static long after(RegistryView view, ListEventsRequest request, PageToken token) {
        if (!token.name().isEmpty()) {
            return version(view, token);
        }
        return request.hasAfter() && request.getAfter().getIncarnation() == view.incarnation()
                ? Versions.of(request.getAfter())
                : 0;
    }

    private static long version(RegistryView view, PageToken token) {
        try {
            if (token.machineId().equals(Long.toString(view.incarnation()))) {
                return Long.parseLong(token.name());
            }
        } catch (NumberFormatException e) {
            // Nobody's.
        }
        throw Status.INVALID_ARGUMENT
                .withDescription("the token of the page is of no list of this registry: list from the start")
                .asRuntimeException();
    }

    /** Whether something that happened after a version, and since a time, is kept no longer. */
    private static boolean isMissing(RegistryView view, long after, long sinceMs) {
        if (after >= view.eventsForgotten()) {
            return false;
        }
        var kept = view.happenedAfter(view.eventsForgotten()).iterator();
        return !kept.hasNext() || kept.next().timeMs() > sinceMs;
    }

    private static boolean asked(ListEventsRequest request, NameFilter filter, LoggedEvent event) {
        return event.timeMs() >= request.getSinceMs()
                && (request.getMachineId().isEmpty() || request.getMachineId().equals(event.machineId()))
                && (request.getNamesCount() == 0 || filter.admits(event.unit()));
    }

    /** Why starts wait in a restored registry; null in any other. */
    private static @Nullable Veto startsWait(RegistryView view) {
        var awaited = view.awaited();
        if (awaited.isEmpty()) {
            return null;
        }
        var names = awaited.stream().map(MachineRecord::id).limit(MOST_NAMED).collect(Collectors.joining(", "));
        return Veto.newBuilder()
                .setRequirement("restored")
                .setPresent(view.presentMachines())
                .setMatching(view.presentMachines() - awaited.size())
                .setMessage("the registry was restored, and " + awaited.size()
                        + " machines have not told yet what they run, which may be this unit: " + names
                        + (awaited.size() > MOST_NAMED ? ", ..." : ""))
                .build();
    }

    /** The same unit, with the reason if it has a place and is not started there yet. */
    private static Unit noted(
            RegistryView view, UnitRecord unit, Unit message, @Nullable Veto startsWait, FencedUnits fenced) {
        if (unit.machineId() == null) {
            return message;
        }
        var why = startsWait != null && view.startWaits(unit, unit.machineId())
                ? startsWait
                : mayRunYet(view, unit, fenced);
        return why == null ? message : message.toBuilder().addVetoes(why).build();
    }

    /** Why a unit that must never run twice is not started yet: on which lost machine it may run; null when there is none. */
    private static @Nullable Veto mayRunYet(RegistryView view, UnitRecord unit, FencedUnits fenced) {
        for (var id : view.departures(unit.name())) {
            if (!view.present(id) && view.leaves(unit, id, fenced)) {
                return Veto.newBuilder()
                        .setRequirement("Fence=true")
                        .setPresent(view.presentMachines())
                        .setMessage("machine " + id
                                + " is lost and may run it yet: it is started once that has certainly ended")
                        .build();
            }
        }
        return null;
    }

    /** Whether a unit waits for a place. */
    static boolean pending(Unit unit) {
        return !unit.getGlobal()
                && unit.getMachineId().isEmpty()
                && unit.getTargetState().getNumber() >= TargetState.TARGET_STATE_LOADED_VALUE;
    }

    /** Names of the units of which the leader may know a reason for something: that they wait for a place, or can't leave one. */
    List<String> explicable(List<Unit> units) {
        return registry.read(view -> units.stream()
                .filter(unit -> pending(unit) || isToLeave(view, unit))
                .map(Unit::getName)
                .toList());
    }

    private static boolean isToLeave(RegistryView view, Unit unit) {
        var machine = unit.getMachineId().isEmpty() ? null : view.machine(unit.getMachineId());
        return machine != null && machine.mark().empties();
    }

    /**
     * The same units, those that wait for a place, or can't leave one, with the reasons. Fails where this engine does not lead, and when
     * that takes longer; no more reasons are looked for then.
     */
    CompletableFuture<List<Unit>> explained(List<Unit> units, Duration limit) {
        var waiting = explicable(units);
        if (waiting.isEmpty()) {
            return CompletableFuture.completedFuture(units);
        }
        return reasons.of(waiting)
                .orTimeout(limit.toNanos(), TimeUnit.NANOSECONDS)
                .thenApply(found -> units.stream()
                        .map(unit -> unit.toBuilder()
                                .addAllVetoes(found.getOrDefault(unit.getName(), List.of()))
                                .build())
                        .toList());
    }

    private <T> CompletableFuture<T> read(ReadOptions options, Duration deadline, Function<RegistryView, T> read) {
        if (options.getStale()) {
            return CompletableFuture.supplyAsync(() -> whole(read), threads);
        }
        var wanted = new CallClock(deadline);
        return readIndex
                .await(deadline)
                .exceptionally(failure -> {
                    throw unavailable(failure);
                })
                .thenApplyAsync(
                        index -> {
                            wanted.check();
                            return whole(read);
                        },
                        threads);
    }

    /** Nothing is told of a registry that is half restored, or of none. */
    private <T> T whole(Function<RegistryView, T> read) {
        return registry.read(view -> {
            if (view.incarnation() == 0) {
                throw Status.UNAVAILABLE
                        .withDescription(
                                "this engine has no registry yet: the cluster is being created or restored, or the"
                                        + " engine has just joined it: try again in a moment")
                        .asRuntimeException();
            }
            return read.apply(view);
        });
    }

    private static RuntimeException unavailable(Throwable failure) {
        var cause = Async.cause(failure);
        return cause instanceof ReplicationException
                ? Status.UNAVAILABLE
                        .withDescription("no quorum confirmed that this answer would be up to date ("
                                + cause.getMessage() + "): try again, or ask for a stale read (fleetctl --stale)")
                        .asRuntimeException()
                : Status.INTERNAL
                        .withDescription(String.valueOf(cause))
                        .withCause(cause)
                        .asRuntimeException();
    }

    private static int size(Page page) {
        if (page.getSize() < 0 || page.getSize() > MAX_PAGE) {
            throw Status.INVALID_ARGUMENT
                    .withDescription(
                            "a page has at most " + MAX_PAGE + " rows, not " + Integer.toUnsignedString(page.getSize()))
                    .asRuntimeException();
        }
        return page.getSize() == 0 ? DEFAULT_PAGE : page.getSize();
    }

    /** Runs it, with what it throws as the future's failure. */
    private static <T> CompletableFuture<T> checked(Supplier<CompletableFuture<T>> call) {
        try {
            return call.get();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }
}
