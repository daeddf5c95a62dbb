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
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What {@link Training} talks to, in a process of its own, so that nothing of a server is in the cache: all that is in it is loaded
 * before a command's first line. What makes certificates would be worst, as it comes in signed jars, of which a cache holds nothing, and
 * whose signatures are checked when what the cache holds is linked to them.
 */
final class TrainingServer {
    private TrainingServer() {}

    /**
     * Writes an authority, an engine's certificate and a user's to a directory, prints the port of a server in plaintext and of one with
     * TLS, in a line each, and serves until its input ends.
     */
    public static void main(String[] arguments) throws IOException {
        Main.settleLibraries();
        Path directory = Path.of(arguments[0]);
        var authority =
                CertificateAuthority.create(directory.resolve("ca"), "training", Instant.now(), Duration.ofDays(1));
        TlsFiles engine = issue(authority, directory, Kind.ENGINE, Optional.empty());
        issue(authority, directory, Kind.USER, Optional.of(Role.OPERATOR));
        Server plain = serve(InsecureServerCredentials.create());
        Server secured = serve(NettySslContextServerCredentials.create(
                TlsIdentity.open(engine, InstantSource.system()).grpcServer(Set.of(Kind.USER), false)));
        System.out.println(plain.getPort());
        System.out.println(secured.getPort());
        System.out.flush();
        System.in.transferTo(java.io.OutputStream.nullOutputStream());
        plain.shutdownNow();
        secured.shutdownNow();
    }

    private static TlsFiles issue(CertificateAuthority authority, Path directory, Kind kind, Optional<Role> role)
            throws IOException {
        TlsFiles files = Training.files(directory, kind.label());
        authority
                .issue(kind, "training", role, List.of(), Instant.now(), Duration.ofDays(1))
                .write(files.certificate(), files.key());
        return files;
    }

    private static Server serve(ServerCredentials credentials) throws IOException {
        return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), credentials)
                .addService(new OneUnit())
                .build()
                .start();
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
