package io.raftfleet.engine.http;

import io.grpc.Context;
import io.grpc.Status;
import io.raftfleet.engine.api.AbsentAt;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.engine.http.Documents.UnitDocument;
import io.raftfleet.engine.http.Documents.UnitOptionDocument;
import io.raftfleet.engine.http.Documents.UnitPage;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitName;
import io.raftfleet.unit.UnitOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * {@code /units} and {@code /units/<name>}, with the outcomes of fleet's {@code api/units.go}.
 *
 * <p>fleet reads a unit before it writes it. Here a PUT is one write whose result tells what was there; a second write
 * follows only when the unit existed with the same contents and its desired state is to be set.
 */
final class UnitsResource {
    private final FleetApi api;
    private final RequestIds requestIds;
    private final RecentStops stops;
    private final Deadlines deadlines;
    private final int pageSize;

    UnitsResource(FleetApi api, RequestIds requestIds, RecentStops stops, Deadlines deadlines, int pageSize) {
        this.api = api;
        this.requestIds = requestIds;
        this.stops = stops;
        this.deadlines = deadlines;
        this.pageSize = pageSize;
    }

    CompletableFuture<HttpReply> list(HttpCall call) {
        ListUnitsRequest request = ListUnitsRequest.newBuilder()
                .setPage(Reads.page(call, pageSize))
                .setRead(Reads.options(call))
                .setWithContents(true)
                .setWithWarnings(true)
                .build();
        return api.listUnits(request, deadlines.read())
                .thenApply(page -> HttpReply.json(
                                200,
                                new UnitPage(
                                        page.getNextToken(),
                                        page.getUnitsList().stream()
                                                .map(this::document)
                                                .toList()))
                        .at(page.getRevision()));
    }

    CompletableFuture<HttpReply> get(HttpCall call, String name) {
        if (!UnitName.isValid(name)) {
            throw missing(name);
        }
        GetUnitRequest request = GetUnitRequest.newBuilder()
                .setName(name)
                .setRead(Reads.options(call))
                .build();
        return api.getUnit(request, deadlines.read()).handle((found, failure) -> {
            if (failure == null) {
                return HttpReply.json(200, document(found.getUnit())).at(found.getRevision());
            }
            throw Failures.code(failure) == Status.Code.NOT_FOUND
                    ? missing(name).at(AbsentAt.of(failure))
                    : Failures.rethrow(failure);
        });
    }

    CompletableFuture<HttpReply> destroy(String name) {
        if (!UnitName.isValid(name)) {
            throw missing(name);
        }
        DestroyUnitsRequest request = DestroyUnitsRequest.newBuilder()
                .setRequestId(requestIds.next())
                .addNames(name)
                .build();
        return api.destroyUnits(request, deadlines.write()).thenApply(written -> {
            ItemResult result = only(written);
            return switch (result.getCode()) {
                case ITEM_CODE_OK -> HttpReply.empty(204).at(written.getRevision());
                case ITEM_CODE_NOT_FOUND, ITEM_CODE_UNCHANGED ->
                    throw missing(name).at(written.getRevision());
                default -> throw refused(name, result);
            };
        });
    }

    CompletableFuture<HttpReply> put(HttpCall call, String name) {
        long started = System.nanoTime();
        call.requireJson();
        UnitDocument document = Json.read(call.body(), UnitDocument.class);
        String named = document.name();
        if (named != null && !named.isEmpty() && !named.equals(name)) {
            throw new HttpProblem(
                    400, "name in URL \"" + name + "\" differs from unit name in request body \"" + named + "\"");
        }
        try {
            UnitName.validate(name);
        } catch (InvalidUnitException e) {
            throw new HttpProblem(400, String.valueOf(e.getMessage()));
        }
        TargetState desired = Words.parse(name, document.desiredState());
        List<UnitOption> options = options(name, document.options());
        if (!options.isEmpty()) {
            return create(name, options, desired, started);
        }
        if (desired == TargetState.TARGET_STATE_UNSPECIFIED) {
            throw new HttpProblem(
                    409,
                    "unit \"" + name + "\": neither options nor desiredState are given; a new unit needs options,"
                            + " an existing one desiredState");
        }
        return setDesiredState(name, desired, started);
    }

    private CompletableFuture<HttpReply> create(
            String name, List<UnitOption> options, TargetState desired, long started) {
        UnitFile file;
        try {
            file = UnitFile.exactly(options);
        } catch (InvalidUnitException e) {
            throw new HttpProblem(400, String.valueOf(e.inUnit(name).getMessage()));
        }
        // As in fleet, a unit that gets other contents and no desired state is inactive, whatever it was.
        TargetState target =
                desired == TargetState.TARGET_STATE_UNSPECIFIED ? TargetState.TARGET_STATE_INACTIVE : desired;
        CreateUnitsRequest request = CreateUnitsRequest.newBuilder()
                .setRequestId(requestIds.next())
                .setReplace(true)
                .setOptionsOnly(true)
                .addUnits(
                        NewUnit.newBuilder().setName(name).setText(file.text()).setTargetState(target))
                .build();
        return api.createUnits(request, deadlines.write()).thenCompose(asCaller(written -> {
            ItemResult result = only(written);
            return switch (result.getCode()) {
                case ITEM_CODE_OK, ITEM_CODE_REPLACED ->
                    HttpReply.empty(201).at(written.getRevision()).now();
                case ITEM_CODE_UNCHANGED -> {
                    if (desired == TargetState.TARGET_STATE_UNSPECIFIED) {
                        throw new HttpProblem(
                                        409,
                                        "unit \"" + name
                                                + "\" exists with these options; give desiredState to change it")
                                .at(written.getRevision());
                    }
                    yield setDesiredState(name, desired, started);
                }
                default -> throw refused(name, result);
            };
        }));
    }

    /** The next step of what somebody asked for, taken in that one's name on whatever thread. */
    private static <T, R> Function<T, CompletableFuture<R>> asCaller(Function<T, CompletableFuture<R>> step) {
        var caller = Context.current();
        return result -> {
            var before = caller.attach();
            try {
                return step.apply(result);
            } finally {
                caller.detach(before);
            }
        };
    }

    private CompletableFuture<HttpReply> setDesiredState(String name, TargetState desired, long started) {
        if (desired != TargetState.TARGET_STATE_LOADED) {
            return changeDesiredState(name, desired, started);
        }
        GetUnitRequest before = GetUnitRequest.newBuilder()
                .setName(name)
                .setRead(ReadOptions.newBuilder().setStale(true))
                .build();
        return api.getUnit(before, deadlines.read())
                .handle((found, failure) ->
                        failure == null && found.getUnit().getCurrentState() == TargetState.TARGET_STATE_LAUNCHED)
                .thenCompose(asCaller(launched -> changeDesiredState(name, desired, started)
                        .thenApply(reply -> {
                            if (launched) {
                                stops.add(name);
                            }
                            return reply;
                        })));
    }

    private CompletableFuture<HttpReply> changeDesiredState(String name, TargetState desired, long started) {
        Duration left = deadlines.write().minusNanos(System.nanoTime() - started);
        if (!left.isPositive()) {
            throw Status.DEADLINE_EXCEEDED
                    .withDescription("unit \"" + name + "\": no time left to set its desired state; send it again")
                    .asRuntimeException();
        }
        SetTargetStatesRequest request = SetTargetStatesRequest.newBuilder()
                .setRequestId(requestIds.next())
                .addChanges(TargetStateChange.newBuilder().setName(name).setTargetState(desired))
                .build();
        return api.setTargetStates(request, left).thenApply(written -> {
            ItemResult result = only(written);
            return switch (result.getCode()) {
                case ITEM_CODE_OK, ITEM_CODE_UNCHANGED -> HttpReply.empty(204).at(written.getRevision());
                case ITEM_CODE_NOT_FOUND ->
                    throw new HttpProblem(
                                    409,
                                    "unit \"" + name + "\" does not exist and no options are given to create it from")
                            .at(written.getRevision());
                default -> throw refused(name, result);
            };
        });
    }

    private static List<UnitOption> options(String name, @Nullable List<@Nullable UnitOptionDocument> documents) {
        if (documents == null) {
            return List.of();
        }
        List<UnitOption> options = new ArrayList<>(documents.size());
        for (UnitOptionDocument option : documents) {
            if (option == null) {
                throw new HttpProblem(400, "unit \"" + name + "\": options[" + options.size() + "] is null");
            }
            options.add(new UnitOption(text(option.section()), text(option.name()), text(option.value())));
        }
        return options;
    }

    private static String text(@Nullable String value) {
        return value == null ? "" : value;
    }

    private UnitDocument document(Unit unit) {
        List<@Nullable UnitOptionDocument> options = new ArrayList<>();
        for (UnitOption option : UnitFile.stored(unit.getContents().getText()).options()) {
            options.add(new UnitOptionDocument(option.name(), option.section(), option.value()));
        }
        return new UnitDocument(
                unit.getChangedAtMs() == 0
                        ? null
                        : Instant.ofEpochMilli(unit.getChangedAtMs()).toString(),
                unit.getChangedBy(),
                Words.of(current(unit)),
                Words.of(unit.getTargetState()),
                unit.getMachineId(),
                unit.getName(),
                options,
                unit.getVetoesList().stream().map(Veto::getMessage).toList(),
                unit.getWarningsList());
    }

    private TargetState current(Unit unit) {
        return unit.getTargetState() == TargetState.TARGET_STATE_LOADED
                        && unit.getCurrentState() == TargetState.TARGET_STATE_LOADED
                        && stops.isRecent(unit.getName())
                ? TargetState.TARGET_STATE_LAUNCHED
                : unit.getCurrentState();
    }

    private static ItemResult only(WriteResponse written) {
        if (written.getResultsCount() != 1) {
            throw new IllegalStateException("one item was written, " + written.getResultsCount() + " were answered");
        }
        return written.getResults(0);
    }

    private static HttpProblem missing(String name) {
        return new HttpProblem(404, "unit \"" + name + "\" does not exist");
    }

    private static RuntimeException refused(String name, ItemResult result) {
        return switch (result.getCode()) {
            case ITEM_CODE_INVALID, ITEM_CODE_REFUSED -> new HttpProblem(400, result.getMessage());
            case ITEM_CODE_NOT_FOUND -> missing(name);
            case ITEM_CODE_ALREADY_EXISTS -> new HttpProblem(409, result.getMessage());
            case ITEM_CODE_RESOURCE_EXHAUSTED -> new HttpProblem(507, result.getMessage());
            case ITEM_CODE_INTERNAL -> new HttpProblem(500, "unit \"" + name + "\": " + result.getMessage());
            default -> new IllegalStateException("unit " + name + ": unexpected result " + result.getCode());
        };
    }
}
