package io.raftfleet.chaos.hostile;

import com.google.protobuf.MessageLite;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.model.Revision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.random.RandomGenerator;

/** A client of the gRPC API that lies. Holds no state. */
final class ClientAttacks {
    private static final int FLOOD = 48;
    private static final int STREAMS = 3_000;
    private static final int LARGE = 15 << 20;
    private static final String WATCH = FleetGrpc.getWatchMethod().getFullMethodName();

    private record Request(MethodDescriptor<?, ?> method, MessageLite message) {}

    private ClientAttacks() {}

    static List<Attack> all() {
        return List.of(
                new Attack("client-fields", ClientAttacks::fields),
                new Attack("client-bytes", ClientAttacks::bytes),
                new Attack("client-batches", ClientAttacks::batches),
                new Attack("client-large-flood", ClientAttacks::largeFlood),
                new Attack("client-globs", ClientAttacks::globs),
                new Attack("client-streams", ClientAttacks::streams),
                new Attack("client-slow-reader", ClientAttacks::slowReader));
    }

    /** Each field of each request may be of any size and hold anything. */
    private static void fields(Attacker attacker, RandomGenerator random) {
        while (attacker.goesOn()) {
            var channel = attacker.channel(attacker.engine(random));
            for (int i = 0; i < 10 && attacker.goesOn(); i++) {
                var request = request(attacker, random);
                var unused = attacker.call(channel, request.method(), request.message());
            }
        }
    }

    private static Request request(Attacker attacker, RandomGenerator random) {
        var text = Odd.text(random);
        var id = Odd.id(random);
        return switch (random.nextInt(10)) {
            case 0 ->
                new Request(
                        FleetGrpc.getCreateUnitsMethod(),
                        CreateUnitsRequest.newBuilder()
                                .setRequestId(id)
                                .addUnits(NewUnit.newBuilder()
                                        .setName(random.nextBoolean() ? text : Odd.PREFIX + "1.service")
                                        .setText(
                                                random.nextBoolean()
                                                        ? Odd.text(random)
                                                        : "[Service]\nExecStart=/bin/true " + Odd.text(random) + "\n")
                                        .setHash(Odd.hash(random))
                                        .setTargetStateValue(random.nextInt(-3, 100)))
                                .setReplace(random.nextBoolean())
                                .build());
            case 1 ->
                new Request(
                        FleetGrpc.getDestroyUnitsMethod(),
                        DestroyUnitsRequest.newBuilder()
                                .setRequestId(id)
                                .addNames(text)
                                .build());
            case 2 ->
                new Request(
                        FleetGrpc.getSetTargetStatesMethod(),
                        SetTargetStatesRequest.newBuilder()
                                .setRequestId(id)
                                .addChanges(TargetStateChange.newBuilder()
                                        .setName(text)
                                        .setTargetStateValue(random.nextInt(-3, 100))
                                        .setStartAgain(random.nextBoolean()))
                                .build());
            case 3, 4 -> new Request(FleetGrpc.getPatchMachinesMethod(), patches(attacker, random));
            case 5 ->
                new Request(
                        FleetGrpc.getGetUnitMethod(),
                        GetUnitRequest.newBuilder().setName(text).build());
            case 6 ->
                new Request(
                        FleetGrpc.getListUnitsMethod(),
                        ListUnitsRequest.newBuilder()
                                .setPage(page(random))
                                .addNames(text)
                                .setWithVetoes(random.nextBoolean())
                                .setWithContents(random.nextBoolean())
                                .build());
            case 7 ->
                new Request(
                        FleetGrpc.getListUnitStatesMethod(),
                        ListUnitStatesRequest.newBuilder()
                                .setPage(page(random))
                                .setMachineId(text)
                                .build());
            case 8 ->
                new Request(
                        FleetGrpc.getListMachinesMethod(),
                        ListMachinesRequest.newBuilder().setPage(page(random)).build());
            default ->
                new Request(
                        FleetGrpc.getJournalMethod(),
                        JournalRequest.newBuilder()
                                .setUnit(text)
                                .setOutput(Odd.text(random))
                                .setMachineId(Odd.text(random))
                                .setLines(random.nextInt())
                                .build());
        };
    }

    /** Of machines that are there, too: keys that a honest operator would not take. */
    private static MessageLite patches(Attacker attacker, RandomGenerator random) {
        var patches = PatchMachinesRequest.newBuilder().setRequestId(Odd.id(random));
        int count = random.nextInt(4) == 0 ? 1_000 : 1;
        var value = count == 1 ? Odd.text(random) : "v".repeat(2_000);
        boolean known = random.nextBoolean();
        for (int i = 0; i < count; i++) {
            patches.addPatches(MachinePatch.newBuilder()
                    .setMachineId(known ? attacker.machine(random) : Odd.text(random))
                    .setKey(count == 1 ? Odd.text(random) : Odd.PREFIX + i)
                    .setValue(value));
        }
        return patches.build();
    }

    private static Page page(RandomGenerator random) {
        return Page.newBuilder()
                .setToken(random.nextBoolean() ? "" : Odd.text(random))
                .setSize(random.nextBoolean() ? 0 : random.nextInt())
                .build();
    }

    /** Bytes that are no message, or one cut in the middle, on every method there is. */
    private static void bytes(Attacker attacker, RandomGenerator random) {
        var methods = List.copyOf(FleetGrpc.getServiceDescriptor().getMethods());
        while (attacker.goesOn()) {
            var channel = attacker.channel(attacker.engine(random));
            for (int i = 0; i < 20 && attacker.goesOn(); i++) {
                var method = methods.get(random.nextInt(methods.size())).getFullMethodName();
                var whole = request(attacker, random).message().toByteArray();
                byte[] bytes;
                if (random.nextBoolean() || whole.length == 0) {
                    bytes = Odd.bytes(random, random.nextInt(2_000));
                } else {
                    bytes = Arrays.copyOf(whole, random.nextInt(Math.min(whole.length, 4_096)));
                }
                var unused = attacker.call(channel, method, bytes);
            }
        }
    }

    /** More items than there may be, or as many as there may be, each with the longest names. */
    private static void batches(Attacker attacker, RandomGenerator random) {
        while (attacker.goesOn()) {
            var channel = attacker.channel(attacker.engine(random));
            int items = random.nextBoolean() ? 10_000 : 10_001;
            var name = "a".repeat(random.nextBoolean() ? 200 : 1_500);
            var destroy = DestroyUnitsRequest.newBuilder().setRequestId(Odd.id(random));
            for (int i = 0; i < items; i++) {
                destroy.addNames(name + i + ".service");
            }
            var unused = attacker.call(channel, FleetGrpc.getDestroyUnitsMethod(), destroy.build());
        }
    }

    /** The largest messages, many at once, on many connections. */
    private static void largeFlood(Attacker attacker, RandomGenerator random) {
        var message = CreateUnitsRequest.newBuilder()
                .setRequestId(Odd.id(random))
                .addUnits(NewUnit.newBuilder().setName(Odd.PREFIX + ".service").setText("#" + "x".repeat(LARGE)))
                .build()
                .toByteArray();
        var method = FleetGrpc.getCreateUnitsMethod().getFullMethodName();
        var engine = attacker.engine(random);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            while (attacker.goesOn()) {
                var calls = new ArrayList<CompletableFuture<Void>>();
                for (int i = 0; i < FLOOD / 8; i++) {
                    var channel = attacker.channel(engine);
                    for (int j = 0; j < 8; j++) {
                        calls.add(CompletableFuture.runAsync(
                                () -> {
                                    var unused = attacker.call(channel, method, message);
                                },
                                threads));
                    }
                }
                calls.forEach(CompletableFuture::join);
            }
        }
    }

    /** Patterns that are costly to look for, very many of them. */
    private static void globs(Attacker attacker, RandomGenerator random) {
        while (attacker.goesOn()) {
            var channel = attacker.channel(attacker.engine(random));
            int count = random.nextInt(1, 100_000);
            var names = new ArrayList<String>(count);
            for (int i = 0; i < count; i++) {
                names.add("*" + i + "*a*b*");
            }
            var list = ListUnitsRequest.newBuilder().addAllNames(names).build();
            var unused = attacker.call(channel, FleetGrpc.getListUnitsMethod(), list);
            var watch = attacker.stream(channel, WATCH);
            send(
                    watch,
                    WatchRequest.newBuilder().setUnits(true).addAllNames(names).build());
        }
    }

    /** As many streams as a connection carries, never read, on several connections. */
    private static void streams(Attacker attacker, RandomGenerator random) throws InterruptedException {
        var engine = attacker.engine(random);
        var leaders = "raftfleet.agent.AgentGateway/WatchLeader";
        for (int i = 0; i < STREAMS && attacker.goesOn(); i++) {
            var channel = i % 500 == 0 ? attacker.channel(engine) : null;
            if (channel != null) {
                for (int j = 0; j < 500; j++) {
                    var call = attacker.stream(channel, j % 2 == 0 ? leaders : WATCH);
                    send(
                            call,
                            WatchRequest.newBuilder()
                                    .setUnits(true)
                                    .setMachines(true)
                                    .build());
                }
            }
        }
        attacker.rest(Long.MAX_VALUE / 2_000_000);
    }

    /** Watches from anywhere, and reads nothing of what it is told. */
    private static void slowReader(Attacker attacker, RandomGenerator random) throws InterruptedException {
        while (attacker.goesOn()) {
            var channel = attacker.channel(attacker.engine(random));
            for (int i = 0; i < 20; i++) {
                var watch = attacker.stream(channel, WATCH);
                var request = WatchRequest.newBuilder()
                        .setUnits(true)
                        .setUnitStates(true)
                        .setMachines(true);
                if (random.nextBoolean()) {
                    request.setAfter(Revision.newBuilder()
                            .setIncarnation(Odd.number(random))
                            .setIndex(Odd.number(random))
                            .setOrdinal((int) Odd.number(random)));
                }
                send(watch, request.build());
                var list =
                        attacker.stream(channel, FleetGrpc.getListUnitsMethod().getFullMethodName());
                send(list, ListUnitsRequest.newBuilder().setWithContents(true).build());
            }
            attacker.rest(300);
        }
    }

    private static void send(ClientCall<byte[], byte[]> call, MessageLite message) {
        try {
            call.sendMessage(message.toByteArray());
            call.halfClose();
        } catch (IllegalStateException e) {
            // Refused already.
        }
    }
}
