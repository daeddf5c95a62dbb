package io.raftfleet.fleetctl.v1;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListMachinesResponse;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesResponse;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import io.raftfleet.unit.UnitFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The client API in front of an engine, or a fleetd, that is reached by HTTP alone. What API v1 does not have stays unimplemented;
 * a watch looks again every {@value #PAUSE_MILLIS} ms, as fleet's own client does. What was listed last is what a watch compares with
 * first. Each call has a thread of its own, which may wait.
 */
final class HttpFleet extends FleetGrpc.FleetImplBase {
    private static final int PAUSE_MILLIS = 250;

    /** How many requests of one call are under way at once. */
    private static final int AT_ONCE = 8;

    /** More units than this are found in a list of all. */
    private static final int ONE_BY_ONE = 5;

    private static final int MOST_FAILED_LOOKS = 4;
    private static final long MOST_STOP_LOOKS = TimeUnit.SECONDS.toMillis(100) / PAUSE_MILLIS;

    private final V1Api api;
    private final Map<ByteString, String> texts = new ConcurrentHashMap<>();
    private final AtomicLong looks = new AtomicLong();
    private volatile Map<String, Unit> listedUnits = Map.of();
    private volatile Map<String, UnitState> listedStates = Map.of();

    HttpFleet(V1Api api) {
        this.api = api;
    }

    @Override
    public void createUnits(CreateUnitsRequest request, StreamObserver<WriteResponse> observer) {
        write(observer, request.getUnitsList(), unit -> create(unit, request.getReplace()));
    }

    @Override
    public void setTargetStates(SetTargetStatesRequest request, StreamObserver<WriteResponse> observer) {
        write(observer, request.getChangesList(), this::change);
    }

    @Override
    public void destroyUnits(DestroyUnitsRequest request, StreamObserver<WriteResponse> observer) {
        write(observer, request.getNamesList(), name -> result(api.write("DELETE", path(name), null)));
    }

    @Override
    public void getUnit(GetUnitRequest request, StreamObserver<GetUnitResponse> observer) {
        answer(observer, () -> {
            Unit unit = unit(request.getName());
            if (unit == null) {
                throw Status.NOT_FOUND
                        .withDescription("unit " + request.getName() + " does not exist")
                        .asRuntimeException();
            }
            return GetUnitResponse.newBuilder()
                    .setUnit(unit)
                    .addAllStates(states(List.of(unit.getName()), Map.of(unit.getName(), unit)))
                    .build();
        });
    }

    @Override
    public void listUnits(ListUnitsRequest request, StreamObserver<ListUnitsResponse> observer) {
        answer(observer, () -> {
            var units = units(request.getNamesList());
            listedUnits = units;
            var response = ListUnitsResponse.newBuilder();
            units.values().stream()
                    .filter(unit -> !request.getUnplacedOnly() || waits(unit))
                    .filter(unit -> !request.getWarnedOnly() || unit.getWarningsCount() > 0)
                    .map(unit -> request.getWithContents()
                            ? unit
                            : unit.toBuilder().clearContents().build())
                    .forEach(response::addUnits);
            return response.build();
        });
    }

    @Override
    public void listUnitStates(ListUnitStatesRequest request, StreamObserver<ListUnitStatesResponse> observer) {
        answer(observer, () -> {
            var states = byPlace(states(request.getNamesList(), units(request.getNamesList())));
            listedStates = states;
            var response = ListUnitStatesResponse.newBuilder();
            states.values().stream()
                    .filter(state -> request.getMachineId().isEmpty()
                            || state.getMachineId().equals(request.getMachineId()))
                    .forEach(response::addStates);
            return response.build();
        });
    }

    @Override
    public void listMachines(ListMachinesRequest request, StreamObserver<ListMachinesResponse> observer) {
        answer(
                observer,
                () -> ListMachinesResponse.newBuilder()
                        .addAllMachines(api.list("/machines", "machines", "").stream()
                                .map(Rows::machine)
                                .toList())
                        .build());
    }

    @Override
    public void watch(WatchRequest request, StreamObserver<WatchResponse> observer) {
        var call = (ServerCallStreamObserver<WatchResponse>) observer;
        var names = request.getNamesList();
        var units = listedUnits;
        var states = listedStates;
        int failed = 0;
        while (!call.isCancelled() && !Context.current().isCancelled()) {
            try {
                var frame = WatchResponse.newBuilder()
                        .setRevision(Revision.newBuilder().setIncarnation(1).setIndex(looks.incrementAndGet()));
                var unitsNow = units(names);
                var statesNow = byPlace(states(names, unitsNow));
                differences(
                        units,
                        unitsNow,
                        WatchEvent.Builder::setUnit,
                        (event, gone) -> event.setUnitDestroyed(gone.getName()),
                        frame);
                differences(
                        states,
                        statesNow,
                        WatchEvent.Builder::setUnitState,
                        WatchEvent.Builder::setUnitStateGone,
                        frame);
                units = unitsNow;
                states = statesNow;
                failed = 0;
                call.onNext(frame.build());
            } catch (StatusRuntimeException e) {
                if (++failed >= MOST_FAILED_LOOKS) {
                    call.onError(e);
                    return;
                }
            }
            pause();
        }
    }

    /** Adds a change of an event. */
    @FunctionalInterface
    private interface Change<T> {
        WatchEvent.Builder in(WatchEvent.Builder event, T row);
    }

    private static <T> void differences(
            Map<String, T> before, Map<String, T> now, Change<T> is, Change<T> gone, WatchResponse.Builder frame) {
        now.forEach((key, row) -> {
            if (!row.equals(before.get(key))) {
                frame.addEvents(is.in(WatchEvent.newBuilder(), row));
            }
        });
        before.forEach((key, row) -> {
            if (!now.containsKey(key)) {
                frame.addEvents(gone.in(WatchEvent.newBuilder(), row));
            }
        });
    }

    private static boolean waits(Unit unit) {
        return !unit.getGlobal()
                && unit.getMachineId().isEmpty()
                && unit.getTargetState().getNumber() > TargetState.TARGET_STATE_INACTIVE_VALUE;
    }

    private ItemResult create(NewUnit wanted, boolean replace) {
        String text = wanted.getText();
        if (text.isEmpty()) {
            if (!texts.containsKey(wanted.getHash())) {
                units(List.of());
            }
            text = texts.getOrDefault(wanted.getHash(), "");
        }
        UnitFile file = UnitFile.stored(text);
        if (file.isEmpty()) {
            return result(
                    ItemCode.ITEM_CODE_NOT_FOUND,
                    "unit " + wanted.getName() + ": no unit has the contents that it is to have");
        }
        Unit before = unit(wanted.getName());
        if (before != null && before.getHash().equals(file.hash().toByteString())) {
            return result(ItemCode.ITEM_CODE_UNCHANGED, "");
        }
        if (before != null && !replace) {
            return result(
                    ItemCode.ITEM_CODE_ALREADY_EXISTS, "unit " + wanted.getName() + " exists with other contents");
        }
        return result(api.write(
                "PUT", path(wanted.getName()), Rows.document(wanted.getName(), file, wanted.getTargetState())));
    }

    private ItemResult change(TargetStateChange change) {
        String name = change.getName();
        Unit unit = unit(name);
        if (unit == null) {
            return result(ItemCode.ITEM_CODE_NOT_FOUND, "unit " + name + " does not exist");
        }
        if (change.getStopAgain()) {
            return result(
                    ItemCode.ITEM_CODE_REFUSED,
                    "unit " + name + " runs although it is only loaded, which fleet's HTTP API can't end: "
                            + HttpGateway.GRPC);
        }
        if (change.getStartAgain() && unit.getTargetState() == TargetState.TARGET_STATE_LAUNCHED) {
            ItemResult stopped = stop(unit);
            if (stopped.getCode() != ItemCode.ITEM_CODE_OK) {
                return stopped;
            }
        } else if (unit.getTargetState() == change.getTargetState()) {
            return result(ItemCode.ITEM_CODE_UNCHANGED, "");
        }
        return target(name, change.getTargetState());
    }

    /** Without start generations a unit starts again by a stop, which has to be over before the start is ordered. */
    private ItemResult stop(Unit unit) {
        ItemResult ordered = target(unit.getName(), TargetState.TARGET_STATE_LOADED);
        for (int look = 0; look < MOST_STOP_LOOKS && ordered.getCode() == ItemCode.ITEM_CODE_OK; look++) {
            Unit now = unit(unit.getName());
            if (now == null || now.getGlobal() || now.getCurrentState() != TargetState.TARGET_STATE_LAUNCHED) {
                return ordered;
            }
            pause();
        }
        return ordered.getCode() == ItemCode.ITEM_CODE_OK
                ? result(
                        ItemCode.ITEM_CODE_REFUSED,
                        "unit " + unit.getName() + " did not stop, and was not started again")
                : ordered;
    }

    private ItemResult target(String name, TargetState target) {
        return result(api.write("PUT", path(name), Map.of("name", name, "desiredState", Rows.word(target))));
    }

    private static ItemResult result(V1Api.Written written) {
        return switch (written.status()) {
            case 200, 201, 204 -> result(ItemCode.ITEM_CODE_OK, "");
            case 404 -> result(ItemCode.ITEM_CODE_NOT_FOUND, written.message());
            case 507 -> result(ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED, written.message());
            case 401, 403, 409, 421 -> result(ItemCode.ITEM_CODE_REFUSED, written.message());
            default -> result(ItemCode.ITEM_CODE_INVALID, written.message());
        };
    }

    private static ItemResult result(ItemCode code, String message) {
        return ItemResult.newBuilder().setCode(code).setMessage(message).build();
    }

    private static String path(String unit) {
        return "/units/" + V1Api.encode(unit);
    }

    private @Nullable Unit unit(String name) {
        var document = api.get(path(name));
        return document == null ? null : remembered(Rows.unit(document));
    }

    private Unit remembered(Unit unit) {
        texts.put(unit.getHash(), unit.getContents().getText());
        return unit;
    }

    /** Units of these names and patterns, all for none, by name. */
    private Map<String, Unit> units(List<String> names) {
        var units = new TreeMap<String, Unit>();
        if (oneByOne(names)) {
            for (String name : names) {
                Unit unit = unit(name);
                if (unit != null) {
                    units.put(name, unit);
                }
            }
            return units;
        }
        var wanted = wanted(names);
        for (var document : api.list("/units", "units", "")) {
            Unit unit = remembered(Rows.unit(document));
            if (wanted.test(unit.getName())) {
                units.put(unit.getName(), unit);
            }
        }
        return units;
    }

    private List<UnitState> states(List<String> names, Map<String, Unit> units) {
        var states = new ArrayList<UnitState>();
        if (oneByOne(names)) {
            for (String name : names) {
                api.list("/state", "states", "unitName=" + V1Api.encode(name))
                        .forEach(document -> states.add(Rows.state(document, units.get(name))));
            }
            return states;
        }
        var wanted = wanted(names);
        for (var document : api.list("/state", "states", "")) {
            String name = document.path("name").asString("");
            if (wanted.test(name)) {
                states.add(Rows.state(document, units.get(name)));
            }
        }
        return states;
    }

    private static Map<String, UnitState> byPlace(List<UnitState> states) {
        var sorted = new TreeMap<String, UnitState>();
        states.forEach(state -> sorted.put(state.getName() + "\0" + state.getMachineId(), state));
        return sorted;
    }

    private static boolean oneByOne(List<String> names) {
        return !names.isEmpty()
                && names.size() <= ONE_BY_ONE
                && names.stream().noneMatch(name -> Glob.isPattern(name) || name.indexOf('\\') >= 0);
    }

    private static Predicate<String> wanted(List<String> names) {
        if (names.isEmpty()) {
            return name -> true;
        }
        List<Predicate<String>> all = new ArrayList<>();
        for (String name : names) {
            try {
                Glob glob = Glob.compile(name);
                all.add(unit -> unit.equals(name) || glob.matches(unit));
            } catch (InvalidPatternException e) {
                throw Status.INVALID_ARGUMENT.withDescription(e.getMessage()).asRuntimeException();
            }
        }
        return unit -> all.stream().anyMatch(one -> one.test(unit));
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Status.CANCELLED.withDescription("interrupted").asRuntimeException();
        }
    }

    /** Some items at once; their results in order. */
    private static <T> void write(StreamObserver<WriteResponse> observer, List<T> items, Function<T, ItemResult> one) {
        answer(observer, () -> {
            var response = WriteResponse.newBuilder();
            ExecutorService workers = Executors.newFixedThreadPool(
                    AT_ONCE, Thread.ofVirtual().name("v1-write").factory());
            try {
                var results = new ArrayList<Future<ItemResult>>();
                for (T item : items) {
                    Callable<ItemResult> work = () -> one.apply(item);
                    results.add(workers.submit(work));
                }
                for (var result : results) {
                    response.addResults(result.get());
                }
                return response.build();
            } catch (ExecutionException e) {
                throw e.getCause() instanceof StatusRuntimeException known
                        ? known
                        : Status.INTERNAL.withCause(e).asRuntimeException();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw Status.CANCELLED.asRuntimeException();
            } finally {
                workers.shutdownNow(); // After a failure nothing more is asked for.
            }
        });
    }

    private static <R> void answer(StreamObserver<R> observer, Supplier<R> work) {
        R response;
        try {
            response = work.get();
        } catch (StatusRuntimeException e) {
            observer.onError(e);
            return;
        }
        observer.onNext(response);
        observer.onCompleted();
    }
}
