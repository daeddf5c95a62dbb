package io.raftfleet.agent.systemd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.freedesktop.dbus.connections.transports.AbstractTransport;
import org.freedesktop.dbus.connections.transports.TransportBuilder;
import org.freedesktop.dbus.exceptions.DBusException;
import org.freedesktop.dbus.messages.Error;
import org.freedesktop.dbus.messages.Message;
import org.freedesktop.dbus.messages.MethodCall;
import org.freedesktop.dbus.messages.MethodReturn;
import org.freedesktop.dbus.messages.constants.Flags;
import org.jspecify.annotations.Nullable;

/**
 * One D-Bus connection, to a bus or straight to systemd's private socket.
 *
 * <p>dbus-java finds the socket, authenticates and marshals. Calls and signals go past its connection classes: those hand
 * every signal to a thread pool through an unbounded queue, so that a signal may overtake the reply before it, and write a
 * message in some thirty system calls. Here one thread reads and handles all that comes in the order in which it was
 * sent; while it is busy, systemd queues.
 *
 * <p>Pending calls, and for how long none is answered, are guarded by {@code pending}, writing by {@code channel}.
 */
final class BusLink implements AutoCloseable {
    private final Opened opened;
    private final String address;
    private final SocketChannel channel;
    private final Duration callTimeout;
    private final Consumer<MessageReader.Signal> signals;
    private final Consumer<String> onLoss;
    private final AtomicBoolean closed = new AtomicBoolean();

    @GuardedBy("pending")
    private final Map<Long, Call> pending = new HashMap<>();

    /** When systemd owes an answer to whoever has waited long enough, by {@link System#nanoTime}: it has said that it is busy until then. */
    @GuardedBy("pending")
    private long busyUntil = System.nanoTime();

    /** Whether a timer is set to look at the calls, at {@link #nextLook}. */
    @GuardedBy("pending")
    private boolean watched;

    /** By {@link System#nanoTime}. */
    @GuardedBy("pending")
    private long nextLook;

    private volatile String lossReason = "the connection was closed";

    private BusLink(
            Opened opened, Duration callTimeout, Consumer<MessageReader.Signal> signals, Consumer<String> onLoss) {
        this.opened = opened;
        address = opened.address();
        channel = opened.channel();
        this.callTimeout = callTimeout;
        this.signals = signals;
        this.onLoss = onLoss;
    }

    /**
     * One that waits for its reply.
     *
     * @param limit for how long, unless it has the usual time and systemd is busy
     * @param deadline when it has waited that long, by {@link System#nanoTime}
     */
    private record Call(
            String member, Consumer<Message> taker, CompletableFuture<Message> reply, Duration limit, long deadline) {
        void answer(Message message) {
            try {
                taker.accept(message);
            } catch (RuntimeException malformed) {
                reply.completeExceptionally(malformed);
                return;
            }
            reply.complete(message);
        }
    }

    /** A connection that is authenticated, on which nobody reads yet. */
    record Opened(String address, AbstractTransport transport, SocketChannel channel) {
        void close() {
            try {
                transport.close();
            } catch (IOException ignored) {
                // Nothing is left that could be done with the socket.
            }
        }
    }

    /**
     * Connects and authenticates, on a thread of its own: a systemd that stands still takes a connection and then says nothing.
     *
     * @param address as D-Bus has it: {@code unix:path=…}
     * @param timeout how long that may take
     * @return fails with an {@link IOException} that says what happened
     */
    static CompletableFuture<Opened> open(String address, Duration timeout) {
        AbstractTransport transport;
        try {
            transport = TransportBuilder.create(address)
                    .configure()
                    .withAutoConnect(false)
                    .back()
                    .build();
        } catch (IOException unusable) {
            return CompletableFuture.failedFuture(unusable);
        } catch (DBusException wrong) {
            return CompletableFuture.failedFuture(
                    new IOException("'" + address + "' is no D-Bus address: " + wrong.getMessage(), wrong));
        }
        var result = new CompletableFuture<Opened>();
        // Not a virtual thread: once one has used a socket, Java polls it before each read, for good.
        Thread opening = Thread.ofPlatform().daemon().name("systemd-connect").start(() -> {
            try {
                var opened = new Opened(address, transport, transport.connect());
                if (!result.complete(opened)) {
                    opened.close();
                }
            } catch (IOException | RuntimeException failed) {
                result.completeExceptionally(
                        new IOException("no connection to " + address + ": " + failed.getMessage(), failed));
            }
        });
        return result.orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS).exceptionallyCompose(failure -> {
            if (Futures.cause(failure) instanceof TimeoutException silent) {
                opening.interrupt(); // Closes the socket.
                return CompletableFuture.failedFuture(
                        new IOException("no answer from " + address + " within " + timeout.toSeconds() + " s", silent));
            }
            return CompletableFuture.failedFuture(Futures.cause(failure));
        });
    }

    /**
     * Reads what comes over a connection from now on.
     *
     * @param callTimeout how long a call may wait for its reply, unless systemd said that it is busy; a call that is late breaks the
     *     connection
     * @param signals hears each signal, on the reading thread, in order with the replies
     * @param onLoss hears once, with the reason, that a connection broke; not of {@link #close}
     */
    static BusLink begin(
            Opened opened, Duration callTimeout, Consumer<MessageReader.Signal> signals, Consumer<String> onLoss) {
        var link = new BusLink(opened, callTimeout, signals, onLoss);
        Thread.ofPlatform().daemon().name("systemd-reader").start(link::readAll);
        return link;
    }

    /**
     * Makes a call; the future completes on the reading thread, exceptionally with a {@link BusException}.
     *
     * @param destination bus name, null on a private connection
     * @param signature of {@code arguments}, null when there are none
     */
    CompletableFuture<Message> call(
            @Nullable String destination,
            String path,
            String interfaceName,
            String member,
            @Nullable String signature,
            Object... arguments) {
        return send(callTimeout, reply -> {}, destination, path, interfaceName, member, signature, arguments);
    }

    /** As the other, with a time limit of its own. */
    CompletableFuture<Message> call(
            Duration timeout,
            @Nullable String destination,
            String path,
            String interfaceName,
            String member,
            @Nullable String signature,
            Object... arguments) {
        return send(timeout, reply -> {}, destination, path, interfaceName, member, signature, arguments);
    }

    /**
     * As the other, and {@code taker} takes the reply on the reading thread before anything that was sent after it is looked at. What is
     * hung on a future may come too late for that: the reply may be there first.
     */
    CompletableFuture<Message> callAndTake(
            Consumer<Message> taker,
            @Nullable String destination,
            String path,
            String interfaceName,
            String member,
            @Nullable String signature,
            Object... arguments) {
        return send(callTimeout, taker, destination, path, interfaceName, member, signature, arguments);
    }

    private CompletableFuture<Message> send(
            Duration timeout,
            Consumer<Message> taker,
            @Nullable String destination,
            String path,
            String interfaceName,
            String member,
            @Nullable String signature,
            Object... arguments) {
        var reply = new CompletableFuture<Message>();
        long serial;
        ByteBuffer bytes;
        try {
            MethodCall call = opened.transport()
                    .getMessageFactory()
                    .createMethodCall(
                            destination, path, interfaceName, member, Flags.NO_AUTO_START, signature, arguments);
            serial = call.getSerial();
            bytes = bytes(call);
        } catch (DBusException | RuntimeException unsendable) {
            reply.completeExceptionally(new BusException(
                    "org.freedesktop.DBus.Error.InvalidArgs", String.valueOf(unsendable.getMessage())));
            return reply;
        }
        synchronized (pending) {
            if (closed.get()) {
                reply.completeExceptionally(new BusException(BusException.NO_CONNECTION, lossReason));
                return reply;
            }
            long deadline = System.nanoTime() + timeout.toNanos();
            pending.put(serial, new Call(member, taker, reply, timeout, deadline));
            watchUntil(deadline);
        }
        try {
            write(bytes);
        } catch (IOException broken) {
            lost("writing to " + address + " failed: " + broken.getMessage());
        }
        return reply;
    }

    /** Has the calls looked at then, or before. One timer is set for many calls: mostly they are answered long before. */
    @GuardedBy("pending")
    private void watchUntil(long deadline) {
        if (watched && deadline - nextLook >= 0) {
            return;
        }
        watched = true;
        nextLook = deadline;
        CompletableFuture.delayedExecutor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)
                .execute(() -> look(deadline));
    }

    /** A call that has waited longer than its limit breaks the connection; one that has the usual limit may wait while systemd is busy. */
    private void look(long due) {
        Call late = null;
        synchronized (pending) {
            if (nextLook != due) {
                return; // Another timer was set for an earlier time.
            }
            watched = false;
            long now = System.nanoTime();
            for (Call call : pending.values()) {
                long deadline = call.deadline();
                if (call.limit().equals(callTimeout) && busyUntil - deadline > 0) {
                    deadline = busyUntil;
                }
                if (deadline - now <= 0) {
                    late = late == null || call.deadline() - late.deadline() < 0 ? call : late;
                } else {
                    watchUntil(
                            Math.min(deadline, now + callTimeout.toNanos())); // It may be busy for less than it said.
                }
            }
        }
        if (late != null) {
            lost("systemd did not answer " + late.member() + " within "
                    + late.limit().toSeconds() + " s");
        }
    }

    /** systemd answers nobody from now on, for so long at most; then calls have their usual time. */
    void busy(Duration limit) {
        synchronized (pending) {
            busyUntil = System.nanoTime() + limit.plus(callTimeout).toNanos();
        }
    }

    /** systemd answers again; calls have their usual time from now on. */
    void notBusy() {
        synchronized (pending) {
            busyUntil = System.nanoTime() + callTimeout.toNanos();
        }
    }

    /** Ends the connection; calls under way fail. */
    @Override
    public void close() {
        shut("the connection was closed");
    }

    /** Ends the connection for a reason, as if it broke. */
    void lost(String reason) {
        if (shut(reason)) {
            onLoss.accept(reason);
        }
    }

    private boolean shut(String reason) {
        Map<Long, Call> orphaned;
        synchronized (pending) {
            if (!closed.compareAndSet(false, true)) {
                return false;
            }
            lossReason = reason;
            orphaned = new HashMap<>(pending);
            pending.clear();
        }
        opened.close();
        for (Call call : orphaned.values()) {
            call.reply().completeExceptionally(new BusException(BusException.NO_CONNECTION, reason));
        }
        return true;
    }

    private void write(ByteBuffer bytes) throws IOException {
        synchronized (channel) {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }
    }

    private static ByteBuffer bytes(Message message) {
        byte[][] parts = message.getWireData();
        int size = 0;
        for (int i = 0; i < parts.length && parts[i] != null; i++) {
            size += parts[i].length;
        }
        ByteBuffer bytes = ByteBuffer.allocate(size);
        for (int i = 0; i < parts.length && parts[i] != null; i++) {
            bytes.put(parts[i]);
        }
        return bytes.flip();
    }

    private void readAll() {
        var reader = new MessageReader(channel);
        try {
            while (true) {
                switch (reader.read()) {
                    case MessageReader.Signal signal -> signals.accept(signal);
                    case MessageReader.Other other -> handle(other.message());
                }
            }
        } catch (IOException broken) {
            lost("the connection to " + address + " broke: " + broken.getMessage());
        } catch (RuntimeException bug) {
            lost("a message from " + address + " could not be handled: " + bug);
        }
    }

    private void handle(Message message) {
        switch (message) {
            case MethodReturn reply -> {
                Call call = take(reply.getReplySerial());
                if (call != null) {
                    call.answer(reply);
                }
            }
            case Error error -> {
                Call call = take(error.getReplySerial());
                if (call != null) {
                    call.reply().completeExceptionally(new BusException(error.getName(), text(error)));
                }
            }
            default -> {
                // Nobody has a reason to call methods of ours.
            }
        }
    }

    private @Nullable Call take(long serial) {
        synchronized (pending) {
            return pending.remove(serial);
        }
    }

    private static String text(Error error) {
        try {
            Object[] parameters = error.getParameters();
            return parameters == null || parameters.length == 0 ? error.getName() : String.valueOf(parameters[0]);
        } catch (DBusException unreadable) {
            return error.getName();
        }
    }
}
