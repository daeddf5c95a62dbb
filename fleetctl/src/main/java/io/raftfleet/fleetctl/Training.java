package io.raftfleet.fleetctl;

import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.NettySslContextServerCredentials;
import io.grpc.stub.StreamObserver;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListMachinesResponse;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesResponse;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The run from which the build makes fleetctl's ahead-of-time cache: common commands against a server in this process that answers
 * with one unit on one machine, so that all classes which a command needs have been used once. Nothing else calls it.
 */
final class Training {
    private static final List<List<String>> COMMANDS = List.of(
            List.of("list-units"),
            List.of("list-unit-files", "--full"),
            List.of("list-machines", "--json"),
            List.of("start", "a.service"),
            List.of("stop", "a.service"),
            List.of("restart", "a.service"),
            List.of("version"));

    private Training() {}

    /** Runs the commands; their output goes nowhere. */
    public static void main(String[] arguments) throws IOException {
        Main.quietLibraries();
        Server server = serve(InsecureServerCredentials.create());
        run(Map.of("FLEETCTL_ENDPOINT", "127.0.0.1:" + server.getPort()), COMMANDS);
        server.shutdownNow();
        Path directory = Files.createTempDirectory("training");
        try {
            withCertificates(directory);
        } finally {
            delete(directory);
        }
    }

    private static void withCertificates(Path directory) throws IOException {
        var authority =
                CertificateAuthority.create(directory.resolve("ca"), "training", Instant.now(), Duration.ofDays(1));
        TlsFiles engine = issue(authority, directory, Kind.ENGINE, Optional.empty());
        TlsFiles user = issue(authority, directory, Kind.USER, Optional.of(Role.OPERATOR));
        Server server = serve(NettySslContextServerCredentials.create(
                TlsIdentity.open(engine, InstantSource.system()).grpcServer(Set.of(Kind.USER), false)));
        run(
                Map.of(
                        "FLEETCTL_ENDPOINT",
                        "127.0.0.1:" + server.getPort(),
                        "FLEETCTL_CA_FILE",
                        user.authorities().toString(),
                        "FLEETCTL_CERT_FILE",
                        user.certificate().toString(),
                        "FLEETCTL_KEY_FILE",
                        user.key().toString()),
                List.of(List.of("list-units"), List.of("start", "a.service")));
        server.shutdownNow();
    }

    private static TlsFiles issue(CertificateAuthority authority, Path directory, Kind kind, Optional<Role> role)
            throws IOException {
        var files = new TlsFiles(
                directory.resolve("ca").resolve(CertificateAuthority.CERTIFICATE),
                directory.resolve(kind.label() + ".pem"),
                directory.resolve(kind.label() + "-key.pem"));
        authority
                .issue(kind, "training", role, List.of(), Instant.now(), Duration.ofDays(1))
                .write(files.certificate(), files.key());
        return files;
    }

    private static void delete(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static Server serve(ServerCredentials credentials) throws IOException {
        return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), credentials)
                .addService(new OneUnit())
                .build()
                .start();
    }

    private static void run(Map<String, String> environment, List<List<String>> commands) {
        var nowhere = new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        var terminal = new Terminal(InputStream.nullInputStream(), nowhere, nowhere, environment, Path.of(""), false);
        for (List<String> command : commands) {
            Fleetctl.run(terminal, command.toArray(String[]::new));
        }
    }

    private static final class OneUnit extends FleetGrpc.FleetImplBase {
        private static final UnitState STATE = UnitState.newBuilder()
                .setName("a.service")
                .setMachineId("0123456789abcdef0123456789abcdef")
                .setLoadState("loaded")
                .build();

        private TargetState target = TargetState.TARGET_STATE_LOADED;

        private Unit unit() {
            return Unit.newBuilder()
                    .setName(STATE.getName())
                    .setMachineId(STATE.getMachineId())
                    .setTargetState(target)
                    .setCurrentState(target)
                    .build();
        }

        private UnitState state() {
            boolean up = target == TargetState.TARGET_STATE_LAUNCHED;
            return STATE.toBuilder()
                    .setActiveState(up ? "active" : "inactive")
                    .setSubState(up ? "running" : "dead")
                    .setLaunched(up)
                    .build();
        }

        private static <T> void answer(StreamObserver<T> observer, T response) {
            observer.onNext(response);
            observer.onCompleted();
        }

        @Override
        public void listUnits(ListUnitsRequest request, StreamObserver<ListUnitsResponse> observer) {
            answer(observer, ListUnitsResponse.newBuilder().addUnits(unit()).build());
        }

        @Override
        public void listUnitStates(ListUnitStatesRequest request, StreamObserver<ListUnitStatesResponse> observer) {
            answer(
                    observer,
                    ListUnitStatesResponse.newBuilder().addStates(state()).build());
        }

        @Override
        public void listMachines(ListMachinesRequest request, StreamObserver<ListMachinesResponse> observer) {
            Machine machine = Machine.newBuilder()
                    .setId(STATE.getMachineId())
                    .setPrimaryIp("127.0.0.1")
                    .putMetadata("role", "worker")
                    .build();
            answer(
                    observer,
                    ListMachinesResponse.newBuilder().addMachines(machine).build());
        }

        @Override
        public void setTargetStates(SetTargetStatesRequest request, StreamObserver<WriteResponse> observer) {
            target = request.getChanges(0).getTargetState();
            answer(
                    observer,
                    WriteResponse.newBuilder()
                            .addResults(ItemResult.newBuilder().setCode(ItemCode.ITEM_CODE_OK))
                            .build());
        }

        @Override
        public void watch(WatchRequest request, StreamObserver<WatchResponse> observer) {
            observer.onNext(WatchResponse.getDefaultInstance());
        }
    }
}
