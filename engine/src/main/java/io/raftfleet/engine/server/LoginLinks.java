package io.raftfleet.engine.server;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusException;
import io.raftfleet.engine.access.Authorization;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.access.PageLogins;
import io.raftfleet.identity.ca.OwnKey;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.cluster.CreateLoginResponse;
import java.security.cert.CertificateEncodingException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Links to this engine's page, for who calls over gRPC. Immutable. */
final class LoginLinks {
    private static final Logger log = LoggerFactory.getLogger(LoginLinks.class);

    private final String engineId;
    private final String address;
    private final Optional<TlsIdentity> https;
    private final PageLogins logins;

    /**
     * @param address where browsers find the page
     * @param https what the page is served with; empty where HTTP is in plaintext, and asks nobody who it is
     */
    LoginLinks(String engineId, String address, Optional<TlsIdentity> https, PageLogins logins) {
        this.engineId = engineId;
        this.address = address;
        this.https = https;
        this.logins = logins;
    }

    /** A link for the caller. */
    CreateLoginResponse create() throws StatusException {
        var response = CreateLoginResponse.newBuilder().setEngineId(engineId).setHttpAddress(address);
        if (https.isEmpty()) {
            return response.build();
        }
        var caller = Caller.current();
        var shown = Authorization.shown();
        if (shown.isEmpty()) {
            throw Status.FAILED_PRECONDITION
                    .withDescription(caller + " shows no certificate here, which a login to the page is bound to")
                    .asException();
        }
        var link = logins.offer(caller, shown);
        log.info("{} makes a link to the page, to be used until {}", caller, link.expires());
        try {
            return response.setTls(true)
                    .setSecret(link.secret())
                    .setValidMs(PageLogins.LINK.toMillis())
                    .setCertificateDigest(ByteString.copyFrom(OwnKey.sha256(
                            https.get().current().chain().getFirst().getEncoded())))
                    .build();
        } catch (CertificateEncodingException e) {
            throw new IllegalStateException("a certificate that was read can't be written", e);
        }
    }
}
