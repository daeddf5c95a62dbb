package io.raftfleet.chaos.hostile;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.BucketDigests;
import io.raftfleet.proto.agent.EngineFrame;
import io.raftfleet.proto.agent.FetchContentsRequest;
import io.raftfleet.proto.agent.Heartbeat;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.agent.LogUpload;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.model.UnitState;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;

/** An agent that lies: in what it is, in what it reports, and in the order in which it says so. Holds no state. */
final class AgentAttacks {
    private static final int WELCOME_MS = 700;
    /** Ids of machines that are not; few, for each is remembered. */
    private static final int MACHINES = 4;

    private AgentAttacks() {}

    static List<Attack> all() {
        return List.of(
                new Attack("agent-hello", (attacker, random) -> sessions(attacker, random, AgentAttacks::anyHello)),
                new Attack("agent-reports", (attacker, random) -> sessions(attacker, random, AgentAttacks::hello)),
                new Attack("agent-order", AgentAttacks::disorder),
                new Attack("agent-flood", AgentAttacks::flood),
                new Attack("agent-other-streams", AgentAttacks::otherStreams));
    }

    private interface Greeting {
        Hello draw(Attacker attacker, RandomGenerator random);
    }

    /** One session after the other on each engine; where one is welcome, it reports nonsense. */
    private static void sessions(Attacker attacker, RandomGenerator random, Greeting greeting)
            throws InterruptedException {
        while (attacker.goesOn()) {
            for (var engine : attacker.engines()) {
                var session = new Session(attacker, attacker.channel(engine));
                session.send(AgentFrame.newBuilder()
                        .setHello(greeting.draw(attacker, random))
                        .build());
                long epoch = session.epoch();
                for (int i = 0; epoch >= 0 && i < 8 && attacker.goesOn(); i++) {
                    session.send(nonsense(epoch, random));
                }
                attacker.rest(epoch >= 0 ? 100 : 0);
                if (!attacker.goesOn()) {
                    return;
                }
            }
        }
    }

    /** Frames before the hello, two of them, and empty ones. */
    private static void disorder(Attacker attacker, RandomGenerator random) throws InterruptedException {
        while (attacker.goesOn()) {
            var session = new Session(attacker, attacker.channel(attacker.engine(random)));
            for (int i = 0; i < 5; i++) {
                session.send(
                        switch (random.nextInt(3)) {
                            case 0 -> AgentFrame.getDefaultInstance();
                            case 1 -> nonsense(Odd.number(random), random);
                            default ->
                                AgentFrame.newBuilder()
                                        .setHello(hello(attacker, random))
                                        .build();
                        });
            }
            attacker.rest(50);
        }
    }

    /** As many heartbeats as go through, in no order. */
    private static void flood(Attacker attacker, RandomGenerator random) throws InterruptedException {
        while (attacker.goesOn()) {
            for (var engine : attacker.engines()) {
                var session = new Session(attacker, attacker.channel(engine));
                session.send(AgentFrame.newBuilder()
                        .setHello(hello(attacker, random))
                        .build());
                if (session.epoch() < 0) {
                    continue;
                }
                for (int i = 0; i < 20_000 && attacker.goesOn() && !session.ended(); i++) {
                    session.send(AgentFrame.newBuilder()
                            .setHeartbeat(Heartbeat.newBuilder().setSequence(Odd.number(random)))
                            .build());
                }
            }
            attacker.rest(20);
        }
    }

    /** Logs that nobody asked for, contents that nobody has, in others' names. */
    private static void otherStreams(Attacker attacker, RandomGenerator random) throws InterruptedException {
        var upload = AgentGatewayGrpc.getUploadLogMethod().getFullMethodName();
        while (attacker.goesOn()) {
            var channel = attacker.channel(attacker.engine(random));
            var log = attacker.stream(channel, upload);
            for (int i = 0; i < 20; i++) {
                send(
                        log,
                        LogUpload.newBuilder()
                                .setLogId(i == 0 || random.nextBoolean() ? Odd.text(random) : "")
                                .setData(ByteString.copyFrom(Odd.bytes(random, 100_000)))
                                .setError(Odd.text(random))
                                .build());
            }
            var fetch = FetchContentsRequest.newBuilder()
                    .setMachineId(random.nextBoolean() ? attacker.machine(random) : Odd.text(random))
                    .setSessionEpoch(Odd.number(random));
            for (int i = 0; i < random.nextInt(1, 20_000); i++) {
                fetch.addHashes(Odd.hash(random));
            }
            var unused = attacker.call(channel, AgentGatewayGrpc.getFetchContentsMethod(), fetch.build());
            attacker.rest(20);
        }
    }

    private static String machineId(RandomGenerator random) {
        return "f".repeat(31) + random.nextInt(MACHINES);
    }

    private static Hello hello(Attacker attacker, RandomGenerator random) {
        return Hello.newBuilder()
                .setMachineId(machineId(random))
                .setPrimaryIp(Attacker.ADDRESS)
                .setVersion("1")
                .setAgentInstance(random.nextLong())
                .setBootId("0".repeat(32))
                .setClusterId(attacker.clusterId())
                .build();
    }

    /** Each field may be anything; the id that of a machine which is there. */
    private static Hello anyHello(Attacker attacker, RandomGenerator random) {
        var hello = hello(attacker, random).toBuilder();
        switch (random.nextInt(8)) {
            case 0 -> hello.setMachineId(Odd.text(random));
            case 1 -> hello.setMachineId(attacker.machine(random));
            case 2 -> hello.setPrimaryIp(Odd.text(random));
            case 3 -> {
                for (int i = 0; i < 1_000; i++) {
                    hello.putMetadata("k" + i, "v".repeat(2_000));
                }
            }
            case 4 -> hello.putMetadata(Odd.text(random), Odd.text(random));
            case 5 -> hello.setVersion(Odd.text(random)).setBootId(Odd.text(random));
            case 6 -> hello.setClusterId(Odd.text(random)).setTerm(Odd.number(random));
            default ->
                hello.setIncarnation(Odd.number(random))
                        .setTerm(Odd.number(random))
                        .setAssignmentsDigest(random.nextLong())
                        .setUnits(random.nextInt());
        }
        return hello.build();
    }

    private static AgentFrame nonsense(long epoch, RandomGenerator random) {
        var frame = AgentFrame.newBuilder();
        return switch (random.nextInt(4)) {
            case 0, 1 -> frame.setStates(report(epoch, random)).build();
            case 2 -> {
                var digests = BucketDigests.newBuilder();
                for (int i = random.nextInt(200); i > 0; i--) {
                    digests.addAssignments(random.nextLong()).addStates(random.nextLong());
                }
                yield frame.setDigests(digests).build();
            }
            default -> {
                var inventory =
                        Inventory.newBuilder().addBuckets(random.nextInt()).addBuckets(random.nextInt(64));
                for (int i = random.nextInt(50); i > 0; i--) {
                    inventory.addUnits(AssignedUnit.newBuilder()
                            .setName(small(random))
                            .setHash(Odd.hash(random))
                            .setTargetStateValue(random.nextInt(-2, 80))
                            .setStartGeneration(Odd.number(random)));
                }
                yield frame.setInventory(inventory).build();
            }
        };
    }

    private static StateReport report(long epoch, RandomGenerator random) {
        var report = StateReport.newBuilder()
                .setSessionEpoch(random.nextInt(4) == 0 ? Odd.number(random) : epoch)
                .setSequence(random.nextInt(4) == 0 ? Odd.number(random) : random.nextInt(20));
        for (int i = random.nextInt(1, 6); i > 0; i--) {
            report.addStates(UnitState.newBuilder()
                    .setName(small(random))
                    .setLoadState(random.nextInt(4) == 0 ? small(random) : "loaded")
                    .setActiveState(random.nextInt(4) == 0 ? small(random) : "active")
                    .setSubState(random.nextInt(4) == 0 ? small(random) : "running")
                    .setHash(Odd.hash(random))
                    .setMachineId(small(random))
                    .setError(random.nextBoolean() ? "E".repeat(400_000) : small(random))
                    .setMainPid(random.nextInt()));
        }
        if (random.nextInt(3) == 0) {
            report.addGone(small(random)).addWholeBuckets(random.nextInt()).addWholeBuckets(random.nextInt(64));
        }
        return report.build();
    }

    /** So small that a frame of some of them is taken. */
    private static String small(RandomGenerator random) {
        var text = Odd.text(random);
        return text.length() < 100_000 ? text : text.substring(0, 100_000);
    }

    private static void send(ClientCall<byte[], byte[]> call, MessageLite message) {
        try {
            call.sendMessage(message.toByteArray());
        } catch (IllegalStateException e) {
            // Refused already.
        }
    }

    /** One session, as far as it gets. */
    private static final class Session {
        private static final MethodDescriptor<AgentFrame, EngineFrame> METHOD = AgentGatewayGrpc.getSessionMethod();

        private final ClientCall<AgentFrame, EngineFrame> call;
        private final CompletableFuture<Long> welcome = new CompletableFuture<>();
        private volatile boolean ended;

        Session(Attacker attacker, Channel channel) {
            call = channel.newCall(METHOD, CallOptions.DEFAULT);
            call.start(
                    new ClientCall.Listener<>() {
                        @Override
                        public void onMessage(EngineFrame frame) {
                            if (frame.hasWelcome()) {
                                attacker.answered(Status.OK);
                                welcome.complete(frame.getWelcome().getSessionEpoch());
                            }
                            call.request(1);
                        }

                        @Override
                        public void onClose(Status status, Metadata trailers) {
                            ended = true;
                            attacker.answered(status);
                            welcome.complete(-1L);
                        }
                    },
                    new Metadata());
            call.request(1);
        }

        void send(AgentFrame frame) {
            try {
                call.sendMessage(frame);
            } catch (IllegalStateException e) {
                ended = true;
            }
        }

        boolean ended() {
            return ended;
        }

        /** Of the session, negative for none. */
        long epoch() throws InterruptedException {
            try {
                return welcome.get(WELCOME_MS, TimeUnit.MILLISECONDS);
            } catch (ExecutionException | TimeoutException e) {
                return -1;
            }
        }
    }
}
