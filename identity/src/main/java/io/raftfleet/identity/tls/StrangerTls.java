package io.raftfleet.identity.tls;

import io.grpc.netty.GrpcSslContexts;
import io.grpc.util.AdvancedTlsX509TrustManager;
import io.grpc.util.AdvancedTlsX509TrustManager.SslSocketAndEnginePeerVerifier;
import io.grpc.util.AdvancedTlsX509TrustManager.Verification;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.SpiffeId;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/** TLS of somebody who has no certificate yet, and means to get one. */
public final class StrangerTls {
    private StrangerTls() {}

    /** Believes whoever answers: only for what proves itself, as a certificate whose digest is known. */
    public static SslContext believingAnybody() {
        return built(SslContextBuilder.forClient().trustManager(InsecureTrustManagerFactory.INSTANCE));
    }

    /** Believes engines of a cluster with certificates of its authority. */
    public static SslContext believing(X509Certificate authority, String cluster) {
        try {
            var trust = AdvancedTlsX509TrustManager.newBuilder()
                    .setVerification(Verification.CERTIFICATE_ONLY_VERIFICATION)
                    .setSslSocketAndEnginePeerVerifier(new Engines(cluster))
                    .build();
            trust.updateTrustCredentials(new X509Certificate[] {authority});
            return built(SslContextBuilder.forClient().trustManager(trust));
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException("a certificate that was read can't be believed", e);
        }
    }

    private static SslContext built(SslContextBuilder builder) {
        try {
            return GrpcSslContexts.configure(builder, SslProvider.JDK)
                    .protocols(TlsIdentity.PROTOCOL)
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException("this Java machine has no " + TlsIdentity.PROTOCOL, e);
        }
    }

    private record Engines(String cluster) implements SslSocketAndEnginePeerVerifier {
        @Override
        public void verifyPeerCertificate(X509Certificate[] peer, String authType, Socket socket)
                throws CertificateException {
            check(peer[0]);
        }

        @Override
        public void verifyPeerCertificate(X509Certificate[] peer, String authType, SSLEngine engine)
                throws CertificateException {
            check(peer[0]);
        }

        private void check(X509Certificate certificate) throws CertificateException {
            SpiffeId id = Identity.of(certificate).id();
            if (id.kind() != SpiffeId.Kind.ENGINE || !id.cluster().equals(cluster)) {
                throw new CertificateException("it is " + id + ", and no engine of cluster " + cluster);
            }
        }
    }
}
