package io.raftfleet.chaos.hostile;

import com.google.protobuf.MessageLite;
import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.raftfleet.chaos.cluster.EngineAddresses;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The means of one attack: connections from an address that nobody honest has, all gone at its end. Used by one thread, and closed by
 * another.
 */
final class Attacker implements AutoCloseable {
    /** On loopback, where every address of 127/8 may be a source: engines can tell it from all others. */
    static final String ADDRESS = "127.0.0.66";

    /** How long an attack may take beyond its time to reach an engine at all. */
    static final long PATIENCE = TimeUnit.SECONDS.toNanos(15);

    private static final int CONNECT_MS = 2_000;
    private static final int CALL_MS = 1_500;
    private static final int WHOLE = 64 << 20;

    private final List<EngineAddresses> engines;
    private final String clusterId;
    private final List<String> machines;
    private final long end;
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final LongAdder acts = new LongAdder();
    private boolean closed;

    /**
     * Nothing connected yet.
     *
     * @param machines that are in use
     * @param end of its time, as {@link System#nanoTime} has it
     */
    Attacker(List<EngineAddresses> engines, String clusterId, List<String> machines, long end) {
        this.engines = engines;
        this.clusterId = clusterId;
        this.machines = machines;
        this.end = end;
    }

    /** Until its time is up, and longer when no engine has been reached by then. */
    boolean goesOn() {
        return System.nanoTime() - end < 0 || mustWait();
    }

    private boolean mustWait() {
        return acts() == 0 && System.nanoTime() - end < PATIENCE;
    }

    /** Returns once an engine has been reached, or too late for that. */
    void awaitReached() throws InterruptedException {
        while (mustWait()) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    List<EngineAddresses> engines() {
        return engines;
    }

    EngineAddresses engine(RandomGenerator random) {
        return engines.get(random.nextInt(engines.size()));
    }

    String clusterId() {
        return clusterId;
    }

    String machine(RandomGenerator random) {
        return machines.get(random.nextInt(machines.size()));
    }

    /** Waits, but beyond the end only until an engine has been reached: who begins anew at once reaches none on a busy machine. */
    void rest(long millis) throws InterruptedException {
        long begin = System.nanoTime();
        long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
        TimeUnit.NANOSECONDS.sleep(Math.clamp(end - begin, 0, nanos));
        while (mustWait() && System.nanoTime() - begin < nanos) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    /** A gRPC connection of its own. */
    ManagedChannel channel(String host, int port) {
        var channel = NettyChannelBuilder.forAddress(host, port)
                .usePlaintext()
                .maxInboundMessageSize(WHOLE)
                .localSocketPicker(new NettyChannelBuilder.LocalSocketPicker() {
                    @Override
                    public SocketAddress createSocketAddress(SocketAddress remote, Attributes attributes) {
                        return new InetSocketAddress(ADDRESS, 0);
                    }
                })
                .build();
        opened(channel::shutdownNow);
        return channel;
    }

    ManagedChannel channel(EngineAddresses engine) {
        return channel(engine.host(), engine.grpcPort());
    }

    /** A connection that speaks whatever it likes. */
    Socket socket(String host, int port) throws IOException {
        var socket = new Socket();
        opened(socket);
        socket.bind(new InetSocketAddress(InetAddress.getByName(ADDRESS), 0));
        socket.setSoTimeout(CALL_MS);
        socket.connect(new InetSocketAddress(host, port), CONNECT_MS);
        acts.increment();
        return socket;
    }

    /** {@code HOST:PORT} as engines' addresses have it. */
    Socket socket(String address) throws IOException {
        int colon = address.lastIndexOf(':');
        return socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
    }

    /** One call with a short deadline; what came of it, null for an answer. */
    @Nullable
    Status call(ManagedChannel channel, MethodDescriptor<?, ?> method, MessageLite request) {
        return call(channel, method.getFullMethodName(), request.toByteArray());
    }

    @Nullable
    Status call(ManagedChannel channel, String method, byte[] request) {
        try {
            var unused = ClientCalls.blockingUnaryCall(
                    channel, raw(method, MethodDescriptor.MethodType.UNARY), options(), request);
            acts.increment();
            return null;
        } catch (StatusRuntimeException e) {
            answered(e.getStatus());
            return e.getStatus();
        }
    }

    /** A stream that reads as much as it asks for, which is nothing at first; its messages are whatever bytes. */
    ClientCall<byte[], byte[]> stream(ManagedChannel channel, String method) {
        var call = channel.newCall(raw(method, MethodDescriptor.MethodType.BIDI_STREAMING), CallOptions.DEFAULT);
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onReady() {
                        acts.increment();
                    }
                },
                new Metadata());
        return call;
    }

    /** An engine's answer, or that there was none. */
    void answered(Status status) {
        if (status.getCode() != Status.Code.UNAVAILABLE) {
            acts.increment();
        }
    }

    /** How often an engine was reached: connections of its own kind, calls, streams. */
    long acts() {
        return acts.sum();
    }

    static CallOptions options() {
        return CallOptions.DEFAULT.withDeadlineAfter(CALL_MS, TimeUnit.MILLISECONDS);
    }

    private static MethodDescriptor<byte[], byte[]> raw(String method, MethodDescriptor.MethodType type) {
        return MethodDescriptor.<byte[], byte[]>newBuilder(new Bytes(), new Bytes())
                .setType(type)
                .setFullMethodName(method)
                .build();
    }

    private synchronized void opened(AutoCloseable what) {
        if (closed) {
            throw new IllegalStateException("the attack is over");
        }
        opened.push(what);
    }

    @Override
    public synchronized void close() {
        closed = true;
        for (var what : opened) {
            try {
                what.close();
            } catch (Exception e) {
                // It is gone, which is all that was wanted.
            }
        }
        opened.clear();
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
