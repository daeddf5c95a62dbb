package io.raftfleet.engine.http;

import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.engine.http.Documents.UnitStateDocument;
import io.raftfleet.engine.http.Documents.UnitStatePage;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.UnitName;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;

/** {@code /state} and {@code /state/<name>}: what systemd says of units. */
final class StateResource {
    private final FleetApi api;
    private final Deadlines deadlines;
    private final int pageSize;

    StateResource(FleetApi api, Deadlines deadlines, int pageSize) {
        this.api = api;
        this.deadlines = deadlines;
        this.pageSize = pageSize;
    }

    /** A page of states; {@code machineID} and {@code unitName} filter by the exact text, as in fleet. */
    CompletableFuture<HttpReply> list(HttpCall call) {
        ListUnitStatesRequest.Builder request = ListUnitStatesRequest.newBuilder()
                .setPage(Reads.page(call, pageSize))
                .setRead(Reads.options(call))
                .setMachineId(Reads.first(call, "machineID"));
        String unitName = Reads.first(call, "unitName");
        if (!unitName.isEmpty()) {
            request.addNames(Reads.exactly(unitName));
        }
        return api.listUnitStates(request.build(), deadlines.read())
                .thenApply(page -> HttpReply.json(
                                200,
                                new UnitStatePage(
                                        page.getNextToken(),
                                        page.getStatesList().stream()
                                                .map(StateResource::document)
                                                .toList()))
                        .at(page.getRevision()));
    }

    /** One state of a unit; of a global unit, that of the machine whose id sorts first. */
    CompletableFuture<HttpReply> get(HttpCall call, String name) {
        if (!UnitName.isValid(name)) {
            throw missing(name);
        }
        ListUnitStatesRequest request = ListUnitStatesRequest.newBuilder()
                .setPage(Page.newBuilder().setSize(1))
                .setRead(Reads.options(call))
                .addNames(Reads.exactly(name))
                .build();
        return api.listUnitStates(request, deadlines.read()).thenApply(page -> {
            if (page.getStatesCount() == 0) {
                throw missing(name).at(page.getRevision());
            }
            return HttpReply.json(200, document(page.getStates(0))).at(page.getRevision());
        });
    }

    static UnitStateDocument document(UnitState state) {
        return new UnitStateDocument(
                HexFormat.of().formatHex(state.getHash().toByteArray()),
                state.getMachineId(),
                state.getName(),
                state.getPending() ? true : null,
                state.getError(),
                state.getActiveState(),
                state.getLoadState(),
                state.getSubState());
    }

    private static HttpProblem missing(String name) {
        return new HttpProblem(404, "no machine reports a state of unit \"" + name + "\"");
    }
}
