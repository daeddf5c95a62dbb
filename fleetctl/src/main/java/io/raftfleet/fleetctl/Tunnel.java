package io.raftfleet.fleetctl;

import io.raftfleet.client.Endpoint;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A way to the engines through another host, for {@code --tunnel}: one process of the system's ssh that forwards a local port for each
 * endpoint, for as long as the command runs. What ssh asks for it asks on the terminal. To be used by one thread.
 */
final class Tunnel implements AutoCloseable {
    private static final long PAUSE_MILLIS = 20;

    private final Process ssh;
    private final List<Endpoint> endpoints;
    private final Thread atExit;
    private final Words words;

    private Tunnel(Process ssh, List<Endpoint> endpoints) {
        this.ssh = ssh;
        this.endpoints = endpoints;
        this.atExit = new Thread(ssh::destroy, "tunnel-end");
        Runtime.getRuntime().addShutdownHook(atExit);
        this.words = new Words(ssh.getErrorStream());
        words.start();
    }

    /** Takes all that ssh says, so that it never waits for somebody to read, and keeps the beginning. */
    private static final class Words extends Thread {
        private static final int MOST = 4096;
        private static final long PATIENCE_MILLIS = 1000;

        private final InputStream errors;
        private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

        Words(InputStream errors) {
            super("tunnel-words");
            setDaemon(true);
            this.errors = errors;
        }

        @Override
        public void run() {
            byte[] buffer = new byte[MOST];
            try (errors) {
                for (int said = errors.read(buffer); said >= 0; said = errors.read(buffer)) {
                    kept.write(buffer, 0, Math.min(said, MOST - kept.size()));
                }
            } catch (IOException e) {
                // It was ended.
            }
        }

        /** What it has said by its end; a process that it leaves behind may hold the stream open. */
        String beginning() throws InterruptedException {
            join(PATIENCE_MILLIS);
            return kept.toString(StandardCharsets.UTF_8);
        }
    }

    /** The engines, as they are reached through it. */
    List<Endpoint> endpoints() {
        return endpoints;
    }

    /** The ssh client that carries it. */
    Process process() {
        return ssh;
    }

    /**
     * Opens a tunnel, and waits until it carries connections.
     *
     * @param program the ssh client, with arguments that come first
     * @throws CommandException when ssh does not get through in {@code --ssh-timeout}, with what it says
     */
    static Tunnel open(List<String> program, GlobalOptions global, String host, List<Endpoint> engines) {
        try {
            List<Endpoint> through = new ArrayList<>();
            List<String> command = new ArrayList<>(program);
            command.addAll(List.of("-N", "-T", "-o", "ExitOnForwardFailure=yes"));
            command.addAll(SshCommand.connecting(global));
            for (Endpoint engine : engines) {
                int port = freePort();
                through.add(engine.through(port));
                String there = engine.kind() == Endpoint.Kind.UNIX ? engine.host() : engine.authority();
                command.addAll(List.of("-L", "127.0.0.1:" + port + ":" + there));
            }
            command.addAll(SshCommand.to(host));
            Process ssh = new ProcessBuilder(command)
                    .redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            Tunnel tunnel = new Tunnel(ssh, List.copyOf(through));
            tunnel.await(host, global.sshTimeout);
            return tunnel;
        } catch (IOException e) {
            throw new CommandException(
                    "can't open a tunnel through " + host + ": " + e.getMessage() + ". Is an ssh client installed?", e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void await(String host, double seconds) {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        try {
            while (!isOpen()) {
                if (!ssh.isAlive()) {
                    String says = words.beginning();
                    close();
                    throw new CommandException("no tunnel through " + host + ": "
                            + (says.isBlank()
                                    ? "ssh ended with exit code " + ssh.exitValue()
                                    : "ssh says: " + says.strip()));
                }
                if (end - System.nanoTime() <= 0) {
                    close();
                    throw new CommandException(
                            "no tunnel through " + host + " within " + seconds
                                    + " s; is it the right host, and does it let you forward? --ssh-timeout sets how long to wait");
                }
                TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw new CommandException("interrupted while opening a tunnel through " + host, e);
        }
    }

    private boolean isOpen() {
        try (Socket socket = new Socket()) {
            socket.connect(
                    new InetSocketAddress(
                            InetAddress.getLoopbackAddress(),
                            endpoints.getFirst().localPort()),
                    1000);
            return true;
        } catch (IOException notYet) {
            return false;
        }
    }

    @Override
    public void close() {
        ssh.destroy();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException ending) {
            // The hook runs, or has.
        }
    }
}
