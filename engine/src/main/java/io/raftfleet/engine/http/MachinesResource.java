package io.raftfleet.engine.http;

import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.engine.http.Documents.MachineDocument;
import io.raftfleet.engine.http.Documents.MachinePage;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.WriteResponse;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** {@code /machines}: the machines whose agents are heard, and the operators' changes to their metadata. */
final class MachinesResource {
    private final FleetApi api;
    private final RequestIds requestIds;
    private final Deadlines deadlines;
    private final int pageSize;

    MachinesResource(FleetApi api, RequestIds requestIds, Deadlines deadlines, int pageSize) {
        this.api = api;
        this.requestIds = requestIds;
        this.deadlines = deadlines;
        this.pageSize = pageSize;
    }

    CompletableFuture<HttpReply> list(HttpCall call) {
        ListMachinesRequest request = ListMachinesRequest.newBuilder()
                .setPage(Reads.page(call, pageSize))
                .setRead(Reads.options(call))
                .build();
        return api.listMachines(request, deadlines.read())
                .thenApply(page -> HttpReply.json(
                                200,
                                new MachinePage(
                                        page.getMachinesList().stream()
                                                .map(machine -> new MachineDocument(
                                                        machine.getId(),
                                                        new TreeMap<>(machine.getMetadataMap()),
                                                        machine.getPrimaryIp()))
                                                .toList(),
                                        page.getNextToken()))
                        .at(page.getRevision()));
    }

    /** All operations are checked before any is done; any content type is taken, as in fleet. */
    CompletableFuture<HttpReply> patch(HttpCall call) {
        List<MachinePatch> patches = MachinePatches.read(call.body());
        if (patches.isEmpty()) {
            return HttpReply.emptyJson(204).now();
        }
        PatchMachinesRequest request = PatchMachinesRequest.newBuilder()
                .setRequestId(requestIds.next())
                .addAllPatches(patches)
                .build();
        return api.patchMachines(request, deadlines.write()).thenApply(MachinesResource::reply);
    }

    private static HttpReply reply(WriteResponse written) {
        for (ItemResult result : written.getResultsList()) {
            switch (result.getCode()) {
                case ITEM_CODE_OK, ITEM_CODE_UNCHANGED -> {}
                case ITEM_CODE_INVALID, ITEM_CODE_REFUSED, ITEM_CODE_NOT_FOUND ->
                    throw new HttpProblem(400, result.getMessage()).at(written.getRevision());
                case ITEM_CODE_RESOURCE_EXHAUSTED -> throw new HttpProblem(507, result.getMessage());
                case ITEM_CODE_INTERNAL -> throw new HttpProblem(500, result.getMessage());
                default -> throw new IllegalStateException("unexpected result " + result.getCode());
            }
        }
        return HttpReply.emptyJson(204).at(written.getRevision());
    }
}
