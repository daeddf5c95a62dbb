package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import io.raftfleet.fleetctl.v1.HttpGateway;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Engines reached through a program that forwards ports as ssh does, and writes down what it was told. */
@Timeout(60)
class TunnelTest {
    private static final String FORWARDER = """
            import java.io.*;
            import java.net.*;
            import java.nio.channels.*;
            import java.nio.file.*;

            class Forwarder {
                public static void main(String[] args) throws Exception {
                    Files.write(Path.of(args[0]), java.util.List.of(args));
                    if (args[args.length - 1].equals("closed")) {
                        System.err.println("user@closed: Permission denied (publickey).");
                        System.exit(255);
                    }
                    if (args[args.length - 1].equals("talkative")) {
                        System.err.print("channel 1: open failed. ".repeat(10_000));
                    }
                    for (int i = 0; i < args.length; i++) {
                        if (args[i].equals("-L")) {
                            String[] parts = args[i + 1].split(":");
                            var server = new ServerSocket(Integer.parseInt(parts[1]), 50, InetAddress.getByName(parts[0]));
                            SocketAddress there = parts.length == 3
                                    ? UnixDomainSocketAddress.of(parts[2])
                                    : new InetSocketAddress(parts[2], Integer.parseInt(parts[3]));
                            Thread.ofPlatform().start(() -> serve(server, there));
                        }
                    }
                }

                static void serve(ServerSocket server, SocketAddress there) {
                    while (true) {
                        try {
                            Socket in = server.accept();
                            SocketChannel out = SocketChannel.open(there);
                            Thread.ofPlatform().start(() -> pump(in, out, true));
                            Thread.ofPlatform().start(() -> pump(in, out, false));
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    }
                }

                static void pump(Socket near, SocketChannel far, boolean out) {
                    try (near; far) {
                        if (out) {
                            near.getInputStream().transferTo(Channels.newOutputStream(far));
                        } else {
                            Channels.newInputStream(far).transferTo(near.getOutputStream());
                        }
                    } catch (IOException over) {
                    }
                }
            }
            """;

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final GlobalOptions global = new GlobalOptions();

    @TempDir
    private Path directory;

    @AfterEach
    void stop() {
        cluster.close();
    }

    private List<String> program() throws Exception {
        Path source = directory.resolve("Forwarder.java");
        Files.writeString(source, FORWARDER);
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                source.toString(),
                directory.resolve("told").toString());
    }

    @Test
    void enginesAnswerThroughIt() throws Exception {
        cluster.startEngine();
        global.sshTimeout = 30;
        global.sshUsername = "core";
        List<Endpoint> engines = Endpoint.parseList(cluster.endpoints());
        Process ssh;
        try (Tunnel tunnel = Tunnel.open(program(), global, "jump:2222", engines)) {
            assertThat(tunnel.endpoints()).hasToString(engines.toString());
            try (var client = new FleetClient(ClientOptions.of(tunnel.endpoints()))) {
                assertThat(client.version().getEngineId()).isEqualTo("e1");
            }
            ssh = tunnel.process();
            assertThat(Files.readAllLines(directory.resolve("told")))
                    .contains("-N", "-l", "core", "-p", "2222")
                    .endsWith("--", "jump");
        }
        assertThat(ssh.onExit().get()).isNotNull();
    }

    /** More than a pipe holds. */
    @Test
    void whatSshSaysHoldsNothingUp() throws Exception {
        cluster.startEngine();
        global.sshTimeout = 30;
        List<Endpoint> engines = Endpoint.parseList(cluster.endpoints());
        try (Tunnel tunnel = Tunnel.open(program(), global, "talkative", engines);
                var client = new FleetClient(ClientOptions.of(tunnel.endpoints()))) {
            assertThat(client.version().getEngineId()).isEqualTo("e1");
        }
    }

    /** As fleet's own client reaches its default endpoint. */
    @Test
    void aSocketOverThereAnswersThroughIt() throws Exception {
        cluster.startEngine();
        global.sshTimeout = 30;
        Path socket = directory.resolve("s");
        try (var server = new V1Server(cluster)) {
            server.listen(socket);
            cluster.addMachine("113f16a7c8d94f1a8a1e6c4f4b6a9d01", "10.0.0.1", Map.of());
            try (Tunnel tunnel = Tunnel.open(program(), global, "jump", Endpoint.parseList("unix://" + socket));
                    var client =
                            new FleetClient(ClientOptions.of(tunnel.endpoints()).withGateways(HttpGateway::open))) {
                assertThat(tunnel.endpoints()).hasToString("[unix://" + socket + "]");
                assertThat(client.listMachines(ListMachinesRequest.getDefaultInstance())
                                .rows())
                        .hasSize(1);
            }
        }
    }

    @Test
    void whyThereIsNoneIsTold() throws Exception {
        global.sshTimeout = 30;
        List<String> program = program();
        assertThatThrownBy(() -> Tunnel.open(program, global, "closed", Endpoint.parseList("127.0.0.1:1")))
                .isInstanceOf(CommandException.class)
                .hasMessage("no tunnel through closed: ssh says: user@closed: Permission denied (publickey).");
        assertThatThrownBy(() -> Tunnel.open(List.of("/no/such/ssh"), global, "h", Endpoint.parseList("127.0.0.1:1")))
                .hasMessageStartingWith("can't open a tunnel through h: ");
        global.sshTimeout = 0;
        assertThatThrownBy(() -> Tunnel.open(program, global, "slow", Endpoint.parseList("127.0.0.1:1")))
                .hasMessageStartingWith("no tunnel through slow within 0.0 s");
    }
}
