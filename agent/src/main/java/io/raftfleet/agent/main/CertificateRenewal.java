package io.raftfleet.agent.main;

import com.google.protobuf.ByteString;
import io.grpc.StatusRuntimeException;
import io.raftfleet.agent.session.EngineChannels;
import io.raftfleet.identity.join.Renewal;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.RenewRequest;
import java.io.IOException;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** Has a machine's certificate renewed by whichever engine answers. Without state of its own. */
final class CertificateRenewal {
    private static final int CALL_SECONDS = 10;

    private CertificateRenewal() {}

    static void start(TlsIdentity identity, EngineChannels engines, RandomGenerator random) {
        new Renewal(identity, request -> renew(engines, request), InstantSource.system(), random).start();
    }

    private static String renew(EngineChannels engines, byte[] request) throws IOException {
        IOException last = new IOException("no engines are known");
        for (String engine : engines.configured()) {
            // Engines renew the key that a connection was made with; an older one may be of another.
            var channel = engines.another(engine);
            try {
                return AccessGrpc.newBlockingStub(channel)
                        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
                        .renew(RenewRequest.newBuilder()
                                .setSigningRequest(ByteString.copyFrom(request))
                                .build())
                        .getCertificate();
            } catch (StatusRuntimeException e) {
                last = new IOException(
                        "the engine at " + engine + " says: " + e.getStatus().getDescription(), e);
            } finally {
                channel.shutdownNow();
            }
        }
        throw last;
    }
}
