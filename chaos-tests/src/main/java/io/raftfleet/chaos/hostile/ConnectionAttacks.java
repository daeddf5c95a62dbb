package io.raftfleet.chaos.hostile;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import io.grpc.ClientCall;
import io.raftfleet.chaos.cluster.EngineAddresses;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/** Strangers on the ports of gRPC and Raft: connections that say nothing, half of something, or what only an engine may. */
final class ConnectionAttacks {
    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int MOST = 2_500;
    private static final int FLOOD = 24;
    private static final int LARGE = (8 << 20) - 1_000;
    private static final String ADMIN = "ratis.grpc.AdminProtocolService/";
    private static final String SERVER = "ratis.grpc.RaftServerProtocolService/";

    private ConnectionAttacks() {}

    static List<Attack> all() {
        return List.of(
                new Attack("grpc-half-open", (attacker, random) -> halfOpen(attacker, random, EngineAddresses::grpc)),
                new Attack("grpc-frames", (attacker, random) -> frames(attacker, random, EngineAddresses::grpc)),
                new Attack("grpc-resets", ConnectionAttacks::resets),
                new Attack("raft-half-open", (attacker, random) -> halfOpen(attacker, random, EngineAddresses::raft)),
                new Attack("raft-frames", (attacker, random) -> frames(attacker, random, EngineAddresses::raft)),
                new Attack("raft-large-flood", ConnectionAttacks::largeFlood),
                new Attack("raft-administration", ConnectionAttacks::administration),
                new Attack("raft-forgery", ConnectionAttacks::forgery));
    }

    /** Connections that say nothing, or not all of the first words, and stay. */
    private static void halfOpen(Attacker attacker, RandomGenerator random, Function<EngineAddresses, String> port)
            throws InterruptedException {
        var address = port.apply(attacker.engine(random));
        try {
            for (int i = 0; i < MOST && attacker.goesOn(); i++) {
                var socket = attacker.socket(address);
                socket.getOutputStream().write(PREFACE, 0, random.nextInt(PREFACE.length + 1));
            }
        } catch (IOException e) {
            // As many as it would have.
        }
        attacker.rest(60_000);
    }

    /** HTTP/2 frames of any type, length and flags. */
    private static void frames(Attacker attacker, RandomGenerator random, Function<EngineAddresses, String> port)
            throws InterruptedException {
        while (attacker.goesOn()) {
            try (var socket = attacker.socket(port.apply(attacker.engine(random)))) {
                var out = socket.getOutputStream();
                out.write(random.nextInt(8) == 0 ? Odd.bytes(random, 500) : PREFACE);
                out.write(frame(4, 0, 0, new byte[0]));
                for (int i = 0; i < 50 && attacker.goesOn(); i++) {
                    out.write(frame(
                            random.nextInt(12),
                            random.nextInt(256),
                            random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(20),
                            Odd.bytes(random, random.nextInt(2_000))));
                }
                out.write(new byte[] {(byte) 0xff, (byte) 0xff, (byte) 0xff, 0, 0, 0, 0, 0, 1});
            } catch (IOException e) {
                attacker.rest(1);
            }
        }
    }

    /** Streams by the thousand, each taken back as soon as it is there. */
    private static void resets(Attacker attacker, RandomGenerator random) throws InterruptedException {
        while (attacker.goesOn()) {
            try (var socket = attacker.socket(attacker.engine(random).grpc())) {
                var out = socket.getOutputStream();
                out.write(PREFACE);
                out.write(frame(4, 0, 0, new byte[0]));
                var burst = new ByteArrayOutputStream();
                for (int stream = 1; stream < 4_000; stream += 2) {
                    // POST, http and / of the static table; no path of any service.
                    burst.write(frame(1, 4, stream, new byte[] {(byte) 0x83, (byte) 0x86, (byte) 0x84}));
                    burst.write(frame(3, 0, stream, new byte[] {0, 0, 0, 8}));
                }
                out.write(burst.toByteArray());
                drain(socket);
            } catch (IOException e) {
                attacker.rest(1);
            }
        }
    }

    private static void drain(Socket socket) throws IOException {
        socket.setSoTimeout(100);
        var unused = socket.getInputStream().readNBytes(100_000);
    }

    private static byte[] frame(int type, int flags, int stream, byte[] payload) {
        return ByteBuffer.allocate(9 + payload.length)
                .put((byte) (payload.length >> 16))
                .putShort((short) payload.length)
                .put((byte) type)
                .put((byte) flags)
                .putInt(stream)
                .put(payload)
                .array();
    }

    /** What Ratis' own clients may ask of a server: to forget a group, to take another configuration, to pause elections. */
    private static void administration(Attacker attacker, RandomGenerator random) {
        var group = group(attacker);
        while (attacker.goesOn()) {
            var engine = attacker.engine(random);
            var channel = attacker.channel(engine.host(), engine.raftPort());
            var rpc = rpc(ByteString.copyFrom(Odd.bytes(random, 16)), engine.id(), group);
            var remove = message(bytes(1, group), number(2, 1));
            var peer = message(text(1, engine.id()), text(2, engine.raft()));
            var asked = List.of(
                    new Asked("groupManagement", message(bytes(1, rpc), bytes(3, remove))),
                    new Asked(
                            "groupManagement",
                            message(
                                    bytes(1, rpc),
                                    bytes(
                                            2,
                                            bytesOf(bytes(1, message(bytes(1, otherGroup(random)), bytes(2, peer))))))),
                    new Asked("setConfiguration", message(bytes(1, rpc), bytes(2, peer))),
                    new Asked("transferLeadership", message(bytes(1, rpc), bytes(2, peer))),
                    new Asked("snapshotManagement", message(bytes(1, rpc), bytes(2, ByteString.EMPTY))),
                    new Asked("leaderElectionManagement", message(bytes(1, rpc), bytes(2, ByteString.EMPTY))),
                    new Asked("groupList", message(bytes(1, rpc))),
                    new Asked("groupInfo", message(bytes(1, rpc), bytes(2, group))));
            for (var one : asked) {
                var unused = attacker.call(
                        channel, ADMIN + one.method(), one.message().toByteArray());
            }
            for (var method : List.of("ordered", "unordered")) {
                var stream = attacker.stream(channel, "ratis.grpc.RaftClientProtocolService/" + method);
                var write = message(
                        bytes(1, rpc),
                        bytes(2, message(bytes(1, ByteString.copyFrom(Odd.bytes(random, 50))))),
                        bytes(3, ByteString.EMPTY));
                sendTo(stream, write);
            }
        }
    }

    private record Asked(String method, ByteString message) {}

    /** What only another engine may say: that it stands for election in a far term, or leads in one. */
    private static void forgery(Attacker attacker, RandomGenerator random) {
        var group = group(attacker);
        while (attacker.goesOn()) {
            var engine = attacker.engine(random);
            var liar = attacker.engine(random);
            var channel = attacker.channel(engine.host(), engine.raftPort());
            var name = random.nextBoolean() ? liar.id() : "stranger";
            var rpc = rpc(ByteString.copyFromUtf8(name), engine.id(), group);
            long term = 1_000_000L + random.nextInt(1_000_000);
            var last = message(number(1, term), number(2, Long.MAX_VALUE / 2));
            for (int preVote = 0; preVote < 2; preVote++) {
                var vote = message(bytes(1, rpc), number(2, term), bytes(3, last), number(4, preVote));
                var unused = attacker.call(channel, SERVER + "requestVote", vote.toByteArray());
            }
            var election = message(bytes(1, rpc), bytes(2, last));
            var unused = attacker.call(channel, SERVER + "startLeaderElection", election.toByteArray());
            var append = message(bytes(1, rpc), number(2, term), number(5, Long.MAX_VALUE / 2));
            sendTo(attacker.stream(channel, SERVER + "appendEntries"), append);
            var snapshot = message(bytes(1, rpc), number(2, term), bytes(4, message(bytes(1, last))));
            sendTo(attacker.stream(channel, SERVER + "installSnapshot"), snapshot);
            sendTo(attacker.stream(channel, SERVER + "appendEntries"), ByteString.copyFrom(Odd.bytes(random, 500)));
        }
    }

    /** Messages of nobody's, each as long as an engine's may be, many at once. */
    private static void largeFlood(Attacker attacker, RandomGenerator random) throws InterruptedException {
        var engine = attacker.engine(random);
        var message = message(bytes(99, ByteString.copyFrom(new byte[LARGE]))).toByteArray();
        while (attacker.goesOn()) {
            var calls = new ArrayList<ClientCall<byte[], byte[]>>();
            for (int i = 0; i < FLOOD && attacker.goesOn(); i++) {
                var channel = attacker.channel(engine.host(), engine.raftPort());
                var call = attacker.stream(channel, SERVER + (i % 2 == 0 ? "appendEntries" : "installSnapshot"));
                sendTo(call, ByteString.copyFrom(message));
                calls.add(call);
            }
            attacker.rest(500);
            attacker.awaitReached(); // on a busy machine none is connected by then
            calls.forEach(call -> call.cancel("over", null));
        }
    }

    private static void sendTo(ClientCall<byte[], byte[]> stream, ByteString message) {
        try {
            stream.sendMessage(message.toByteArray());
            stream.halfClose();
        } catch (IllegalStateException e) {
            // Refused already.
        }
    }

    /** {@code RaftGroupIdProto} of the cluster, whose id anybody can learn. */
    private static ByteString group(Attacker attacker) {
        var id = UUID.fromString(attacker.clusterId());
        return message(bytes(1, sixteen(id.getMostSignificantBits(), id.getLeastSignificantBits())));
    }

    private static ByteString otherGroup(RandomGenerator random) {
        return message(bytes(1, sixteen(random.nextLong(), random.nextLong())));
    }

    private static ByteString sixteen(long high, long low) {
        return ByteString.copyFrom(
                ByteBuffer.allocate(16).putLong(high).putLong(low).array());
    }

    /**
     * {@code RaftRpcRequestProto}.
     *
     * @param from an engine's id, or a client's, of 16 bytes
     */
    private static ByteString rpc(ByteString from, String to, ByteString group) {
        return message(bytes(1, from), text(2, to), bytes(3, group), number(4, 7));
    }

    // Messages of Ratis' protocol, whose classes are no part of this program: field by field.

    private record Part(int field, Field value) {}

    private static Part bytes(int field, ByteString value) {
        return new Part(field, Field.newBuilder().addLengthDelimited(value).build());
    }

    private static Part text(int field, String value) {
        return bytes(field, ByteString.copyFromUtf8(value));
    }

    private static Part number(int field, long value) {
        return new Part(field, Field.newBuilder().addVarint(value).build());
    }

    private static ByteString bytesOf(Part part) {
        return message(part);
    }

    private static ByteString message(Part... parts) {
        var fields = new ArrayList<>(List.of(parts));
        var message = UnknownFieldSet.newBuilder();
        fields.forEach(part -> message.mergeField(part.field(), part.value()));
        return message.build().toByteString();
    }
}
