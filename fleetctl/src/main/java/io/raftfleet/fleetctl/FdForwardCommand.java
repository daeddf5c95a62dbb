package io.raftfleet.fleetctl;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;

/**
 * {@code fd-forward}: connects standard input and output with a unix socket. fleetctl 1.0 runs it by ssh on the host of its {@code
 * --tunnel}, to reach fleet's socket there; ours has ssh itself forward to a socket.
 */
final class FdForwardCommand extends FleetCommand {
    /** How long the socket may go on to send when nothing more comes from standard input. */
    private static final long REST_SECONDS = 30;

    private static final int BUFFER = 1 << 16;

    String socket = "";

    FdForwardCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "fd-forward",
                "Connect standard input and output to a unix socket",
                "",
                "fleetctl 1.0 calls it on the host of its --tunnel; nobody else needs it.");
        syntax.add(Syntax.argument(String.class, given -> socket = given)
                .arity("1")
                .paramLabel("SOCKET"));
    }

    @Override
    public Integer call() {
        try (SocketChannel channel = connect()) {
            Thread.ofPlatform().daemon().name("to-socket").start(() -> send(channel));
            copy(Channels.newInputStream(channel), session.terminal().out());
            return 0;
        } catch (IOException e) {
            throw new CommandException("the connection to " + socket + " broke off: " + e, e);
        }
    }

    private SocketChannel connect() {
        try {
            return SocketChannel.open(UnixDomainSocketAddress.of(socket));
        } catch (IOException | IllegalArgumentException e) {
            throw new CommandException(
                    "can't connect to " + socket + ": " + e.getMessage() + ". Does an engine listen there?", e);
        }
    }

    private void send(SocketChannel channel) {
        try (channel) {
            try {
                copy(session.terminal().in(), Channels.newOutputStream(channel));
                channel.shutdownOutput();
            } catch (IOException over) {
                // Who reads from the socket hears of it, after the answer that came before: an engine may answer early,
                // and close.
            }
            TimeUnit.SECONDS.sleep(REST_SECONDS);
        } catch (IOException e) {
            // It is of no use any more either way.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void copy(InputStream from, OutputStream to) throws IOException {
        byte[] buffer = new byte[BUFFER];
        for (int read = from.read(buffer); read >= 0; read = from.read(buffer)) {
            to.write(buffer, 0, read);
            to.flush();
            // Of itself a print stream keeps to itself what went wrong.
            if (to instanceof PrintStream print && print.checkError()) {
                throw new CommandException("standard output can't be written to: who read it has closed it");
            }
        }
    }
}
