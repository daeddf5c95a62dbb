package io.raftfleet.identity.tls;

import io.raftfleet.identity.TlsFiles;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** What no sound authority issues, and who believes anybody. */
final class Certificates {
    /** Believes anybody. */
    static final X509ExtendedTrustManager TRUSTING = new X509ExtendedTrustManager() {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    };

    private Certificates() {}

    /** An administrator of another cluster, by an authority that serves both. */
    static TlsFiles ofCluster(Path authority, String cluster, Path authorities, Path to) throws Exception {
        var issuer = (X509Certificate) CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(Files.readAllBytes(authority.resolve("ca.pem"))));
        var key = KeyFactory.getInstance("EC")
                .generatePrivate(new PKCS8EncodedKeySpec(Base64.getMimeDecoder()
                        .decode(Files.readString(authority.resolve("ca-key.pem"))
                                .replaceAll("-----[A-Z ]+-----", ""))));
        var pair = KeyPairGenerator.getInstance("EC").generateKeyPair();
        Files.createDirectory(to);
        var files = new TlsFiles(authorities, to.resolve("cert.pem"), to.resolve("key.pem"));
        write(
                files,
                pair,
                cluster,
                X500Name.getInstance(issuer.getSubjectX500Principal().getEncoded()),
                new X500Name("CN=mallory,OU=admin"),
                key);
        return files;
    }

    /** An administrator by nobody's leave but its own, who believes itself. */
    static TlsFiles selfSigned(String cluster, Path to) throws Exception {
        var pair = KeyPairGenerator.getInstance("EC").generateKeyPair();
        var name = new X500Name("CN=mallory,OU=admin");
        Files.createDirectory(to);
        var files = new TlsFiles(to.resolve("cert.pem"), to.resolve("cert.pem"), to.resolve("key.pem"));
        write(files, pair, cluster, name, name, pair.getPrivate());
        return files;
    }

    private static void write(
            TlsFiles files, KeyPair pair, String cluster, X500Name issuer, X500Name subject, PrivateKey issuing)
            throws Exception {
        var now = Instant.now();
        var certificate = new JcaX509v3CertificateBuilder(
                        issuer,
                        BigInteger.TEN,
                        Date.from(now.minusSeconds(60)),
                        Date.from(now.plus(Duration.ofDays(1))),
                        subject,
                        pair.getPublic())
                .addExtension(
                        Extension.subjectAlternativeName,
                        false,
                        new GeneralNames(new GeneralName(
                                GeneralName.uniformResourceIdentifier, "spiffe://" + cluster + "/user/mallory")))
                .build(new JcaContentSignerBuilder("SHA256withECDSA").build(issuing));
        Files.writeString(files.certificate(), pem("CERTIFICATE", certificate.getEncoded()));
        Files.writeString(files.key(), pem("PRIVATE KEY", pair.getPrivate().getEncoded()));
        Files.setPosixFilePermissions(files.key(), PosixFilePermissions.fromString("rw-------"));
    }

    private static String pem(String type, byte[] encoded) {
        return "-----BEGIN " + type + "-----\n" + Base64.getMimeEncoder().encodeToString(encoded) + "\n-----END " + type
                + "-----\n";
    }
}
