package io.raftfleet.engine.http;

import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.ChangeFeed;
import io.raftfleet.engine.api.EngineHealth;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.identity.Role;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What the page asks for beside the v1 API, under {@code /page}: for it alone, and no interface to build on. */
final class PageResource {
    private static final int ROWS = 200;
    /** Less than an answer may take. */
    private static final Duration WAIT = Duration.ofSeconds(10);

    private final FleetApi api;
    private final EngineHealth health;
    private final ChangeFeed feed;
    private final RequestIds requestIds;
    private final Deadlines deadlines;

    PageResource(FleetApi api, EngineHealth health, ChangeFeed feed, RequestIds requestIds, Deadlines deadlines) {
        this.api = api;
        this.health = health;
        this.feed = feed;
        this.requestIds = requestIds;
        this.deadlines = deadlines;
    }

    /** @param role of who asks, as far as the page is concerned: whoever comes in plaintext may everything */
    record EngineDocument(
            String absence,
            long appliedIndex,
            String caller,
            String clusterId,
            long commitIndex,
            EngineHealth.@Nullable Disk disk,
            String engineId,
            List<EngineHealth.Engine> engines,
            String leaderId,
            boolean leading,
            int machines,
            long quotaBytes,
            long registryBytes,
            String role,
            boolean session,
            long term,
            int unitStates,
            int units) {}

    record MachineRow(
            String address,
            String id,
            @Nullable Long lostMs,
            Map<String, String> metadata,
            String state,
            int units,
            String version) {}

    record MachineRows(List<MachineRow> machines, String nextPageToken) {}

    record ChangesDocument(
            boolean all,
            boolean events,
            boolean leader,
            Collection<String> machines,
            String revision,
            Collection<String> units) {}

    record Order(@Nullable String order) {}

    HttpReply engine(HttpCall call) {
        var view = health.view();
        return HttpReply.json(
                200,
                new EngineDocument(
                        view.absence(),
                        view.appliedIndex(),
                        call.caller().toString(),
                        view.clusterId(),
                        view.commitIndex(),
                        health.disk(),
                        view.engineId(),
                        health.engines(),
                        view.leaderId(),
                        view.leading(),
                        view.machines(),
                        view.quota(),
                        view.memory().held(),
                        role(call.caller()),
                        call.session(),
                        view.term(),
                        view.unitStates(),
                        view.units()));
    }

    private static String role(Caller caller) {
        return caller.role().orElse(Role.VIEWER).label();
    }

    /** Lost machines too, with what is to become of them. */
    CompletableFuture<HttpReply> machines(HttpCall call) {
        var request = ListMachinesRequest.newBuilder()
                .setPage(Reads.page(call, ROWS))
                .setRead(Reads.options(call))
                .setIncludeLost(true)
                .build();
        return api.listMachines(request, deadlines.read())
                .thenApply(page -> HttpReply.json(
                                200,
                                new MachineRows(
                                        page.getMachinesList().stream()
                                                .map(PageResource::row)
                                                .toList(),
                                        page.getNextToken()))
                        .at(page.getRevision()));
    }

    private static MachineRow row(Machine machine) {
        boolean lost = machine.getPresence() == MachinePresence.MACHINE_PRESENCE_LOST;
        return new MachineRow(
                machine.getPrimaryIp(),
                machine.getId(),
                lost && machine.getLostMs() != 0 ? machine.getLostMs() : null,
                new TreeMap<>(machine.getMetadataMap()),
                lost ? "lost" : machine.hasMark() ? mark(machine) : "present",
                machine.getUnits(),
                machine.getVersion());
    }

    private static String mark(Machine machine) {
        return switch (machine.getMark().getKind()) {
            case MACHINE_MARK_KIND_CORDONED -> "cordoned";
            case MACHINE_MARK_KIND_DRAINING, MACHINE_MARK_KIND_ENDING -> "draining";
            case MACHINE_MARK_KIND_DRAINED -> "drained";
            case MACHINE_MARK_KIND_UNSPECIFIED, UNRECOGNIZED -> "marked";
        };
    }

    /** Drains, cordons, uncordons or forgets a machine. */
    CompletableFuture<HttpReply> order(HttpCall call, String machine) {
        call.requireJson();
        var word = Json.read(call.body(), Order.class).order();
        var kind = switch (word == null ? "" : word) {
            case "cordon" -> MachineOrder.Kind.KIND_CORDON;
            case "drain" -> MachineOrder.Kind.KIND_DRAIN;
            case "uncordon" -> MachineOrder.Kind.KIND_UNCORDON;
            case "forget" -> MachineOrder.Kind.KIND_FORGET;
            default ->
                throw new HttpProblem(
                        400, "order \"" + word + "\" is unknown; it is one of cordon, drain, uncordon, forget");
        };
        var request = PatchMachinesRequest.newBuilder()
                .setRequestId(requestIds.next())
                .addPatches(MachinePatch.newBuilder()
                        .setMachineId(machine)
                        .setOrder(MachineOrder.newBuilder().setKind(kind)))
                .build();
        return api.patchMachines(request, deadlines.write()).thenApply(written -> {
            var result = written.getResults(0);
            if (result.getCode() == ItemCode.ITEM_CODE_OK || result.getCode() == ItemCode.ITEM_CODE_UNCHANGED) {
                return HttpReply.empty(204).at(written.getRevision());
            }
            throw new HttpProblem(400, result.getMessage()).at(written.getRevision());
        });
    }

    /** What has changed after {@code after}; waits for it. {@code seen} is what the page knows of the leader. */
    CompletableFuture<HttpReply> changes(HttpCall call) {
        var seen = Reads.first(call, "seen");
        return feed.after(Reads.revision(call, "after"), seen, WAIT)
                .thenApply(changes -> HttpReply.json(
                        200,
                        new ChangesDocument(
                                changes.all(),
                                changes.events(),
                                !seen.equals(feed.leader()),
                                changes.machines(),
                                HttpReply.text(changes.revision()),
                                changes.units())));
    }
}
