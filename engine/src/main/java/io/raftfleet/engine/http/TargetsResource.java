package io.raftfleet.engine.http;

import com.google.common.net.InetAddresses;
import io.grpc.Status;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.UnitState;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * {@code GET /http_sd}: what Prometheus is to scrape, in the form of its {@code http_sd}. With {@code unit}, a name or a glob, one target for
 * each machine that has such a unit and for each such unit there, as long as that is not inactive: one that failed is to be missed. Without,
 * one for each present machine. Machines without an address are left out.
 */
final class TargetsResource {
    /** Of one answer. */
    static final int MOST = 10_000;

    /** Of the labels of one answer, in characters: metadata may be 64 KiB a machine, and each target has all of it. */
    static final int MOST_LABELS = 8 << 20;

    /** Answers in the making, which take many reads and hold all their rows meanwhile: together, and for one caller. */
    static final int AT_ONCE = 16;

    static final int AT_ONCE_FOR_ONE = 12;

    private static final int PAGE = 1_000;
    private static final Pattern NOT_IN_LABELS = Pattern.compile("[^a-zA-Z0-9_]");
    private static final String LABEL = "__meta_raftfleet_";

    private final FleetApi api;
    private final Deadlines deadlines;
    private final SharedRoom making = new SharedRoom(AT_ONCE, AT_ONCE_FOR_ONE);

    TargetsResource(FleetApi api, Deadlines deadlines) {
        this.api = api;
        this.deadlines = deadlines;
    }

    /** A group of {@code http_sd}; here each has one target. */
    record TargetGroup(Map<String, String> labels, List<String> targets) {}

    /** What is on one page, and the next one's token, empty for none. */
    private record Rows<T>(List<T> rows, String next) {}

    CompletableFuture<HttpReply> list(HttpCall call) {
        int port = port(Reads.first(call, "port"));
        var unit = Reads.first(call, "unit");
        if (call.query().getOrDefault("unit", List.of()).size() > 1) {
            throw new HttpProblem(400, "query parameter unit is there more than once; give one name or glob");
        }
        var read = Reads.options(call);
        var who = call.caller().words();
        if (!making.tryTake(who, 1)) {
            throw Status.UNAVAILABLE
                    .withDescription("too many questions for targets at once; ask one after the other")
                    .asRuntimeException();
        }
        return CompletableFuture.completedFuture(read)
                .thenCompose(options -> targets(options, unit, port))
                .whenComplete((reply, failure) -> making.giveBack(who, 1));
    }

    private CompletableFuture<HttpReply> targets(ReadOptions read, String unit, int port) {
        return machines(read).thenCompose(machines -> {
            if (unit.isEmpty()) {
                var groups = new Groups(port);
                machines.values().forEach(machine -> groups.add(machine, labels(machine)));
                return reply(groups.all).now();
            }
            return states(read, unit).thenApply(states -> reply(groups(machines, states, port)));
        });
    }

    private static HttpReply reply(Collection<TargetGroup> groups) {
        return HttpReply.json(200, groups);
    }

    private static List<TargetGroup> groups(Map<String, Machine> machines, List<UnitState> states, int port) {
        var groups = new Groups(port);
        for (var state : states) {
            var machine = machines.get(state.getMachineId());
            if (machine != null && !state.getActiveState().equals("inactive")) {
                var labels = labels(machine);
                labels.put(LABEL + "unit", state.getName());
                labels.put(LABEL + "unit_active_state", state.getActiveState());
                groups.add(machine, labels);
            }
        }
        return groups.all;
    }

    /** An answer in the making. Of one thread. */
    private static final class Groups {
        private final List<TargetGroup> all = new ArrayList<>();
        private final int port;
        private long characters;

        Groups(int port) {
            this.port = port;
        }

        void add(Machine machine, Map<String, String> labels) {
            labels.forEach((name, value) -> characters += name.length() + value.length());
            if (characters > MOST_LABELS) {
                throw new HttpProblem(
                        400,
                        "the labels of these targets are more than " + MOST_LABELS
                                + " characters: ask for fewer units, or give machines less metadata");
            }
            var ip = machine.getPrimaryIp();
            boolean bare = ip.indexOf(':') >= 0 && InetAddresses.isInetAddress(ip);
            all.add(new TargetGroup(labels, List.of((bare ? "[" + ip + "]" : ip) + ":" + port)));
        }
    }

    private static Map<String, String> labels(Machine machine) {
        Map<String, String> labels = new TreeMap<>();
        labels.put(LABEL + "machine_id", machine.getId());
        machine.getMetadataMap()
                .forEach((key, value) -> labels.put(
                        LABEL + "metadata_" + NOT_IN_LABELS.matcher(key).replaceAll("_"), value));
        return labels;
    }

    private static int port(String text) {
        if (text.matches("[0-9]{1,5}") && Integer.parseInt(text) >= 1 && Integer.parseInt(text) <= 65_535) {
            return Integer.parseInt(text);
        }
        throw new HttpProblem(
                400, "query parameter port is \"" + text + "\"; it is the port of the targets, from 1 to 65535");
    }

    private CompletableFuture<Map<String, Machine>> machines(ReadOptions read) {
        return all(token -> api.listMachines(
                                ListMachinesRequest.newBuilder()
                                        .setPage(page(token))
                                        .setRead(read)
                                        .build(),
                                deadlines.read())
                        .thenApply(page -> new Rows<>(page.getMachinesList(), page.getNextToken())))
                .thenApply(rows -> {
                    Map<String, Machine> machines = new LinkedHashMap<>();
                    rows.stream()
                            .filter(machine -> !machine.getPrimaryIp().isEmpty())
                            .forEach(machine -> machines.put(machine.getId(), machine));
                    return machines;
                });
    }

    private CompletableFuture<List<UnitState>> states(ReadOptions read, String unit) {
        return all(token -> api.listUnitStates(
                        ListUnitStatesRequest.newBuilder()
                                .setPage(page(token))
                                .setRead(read)
                                .addNames(unit)
                                .build(),
                        deadlines.read())
                .thenApply(page -> new Rows<>(page.getStatesList(), page.getNextToken())));
    }

    private static Page page(String token) {
        return Page.newBuilder().setSize(PAGE).setToken(token).build();
    }

    private static <T> CompletableFuture<List<T>> all(Function<String, CompletableFuture<Rows<T>>> read) {
        return more(read, "", new ArrayList<>());
    }

    private static <T> CompletableFuture<List<T>> more(
            Function<String, CompletableFuture<Rows<T>>> read, String token, List<T> before) {
        return read.apply(token).thenCompose(page -> {
            before.addAll(page.rows());
            if (before.size() > MOST) {
                throw new HttpProblem(
                        400,
                        "there are more than " + MOST + " targets: ask for fewer units, by a glob that matches less");
            }
            return page.next().isEmpty() ? CompletableFuture.completedFuture(before) : more(read, page.next(), before);
        });
    }
}
