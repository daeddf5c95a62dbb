package io.raftfleet.identity.ca;

import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A cluster's certificate authority: a certificate that all of the cluster believe, {@value #CERTIFICATE}, and its key,
 * {@value #KEY}, in a directory that no engine or agent needs. Keys are elliptic, on P-256. Immutable.
 */
public final class CertificateAuthority {
    /** The authority's certificate; everybody's CA file. */
    public static final String CERTIFICATE = "ca.pem";
    /** The authority's key: whoever has it is everybody. */
    public static final String KEY = "ca-key.pem";

    /** Certificates hold from a little earlier than they are made: clocks differ. */
    private static final Duration EARLIER = Duration.ofMinutes(5);

    private static final String SCHEME = "spiffe://";
    private static final int URI = 6;
    private static final String SIGNATURE = "SHA256withECDSA";
    private static final Pattern IP = Pattern.compile("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
    private static final SecureRandom RANDOM = new SecureRandom();

    private final X509Certificate certificate;
    private final PrivateKey key;
    private final String cluster;

    private CertificateAuthority(X509Certificate certificate, PrivateKey key, String cluster) {
        this.certificate = certificate;
        this.key = key;
        this.cluster = cluster;
    }

    /**
     * A certificate and its key, as PEM.
     *
     * @param certificate for everybody to see
     * @param key for its owner alone
     */
    public record Issued(String certificate, String key) {
        /**
         * Writes both, the key so that nobody but its owner can read it at any time.
         *
         * @throws IOException when one of the files is there already, or can't be written
         */
        public void write(Path certificateFile, Path keyFile) throws IOException {
            PrivateFile.create(keyFile, key);
            try {
                PrivateFile.createPublic(certificateFile, certificate);
            } catch (IOException e) {
                Files.delete(keyFile);
                throw e;
            }
        }

        /**
         * The same in place of files that are there: who reads one has the old or the new.
         *
         * @throws IOException when one of the files can't be written
         */
        public void replace(Path certificateFile, Path keyFile) throws IOException {
            PrivateFile.replace(keyFile, key);
            PrivateFile.replacePublic(certificateFile, certificate);
        }

        /** Without the key. */
        @Override
        public String toString() {
            return certificate;
        }
    }

    /**
     * Makes a new one in a directory, which is made, too, unless it is there.
     *
     * @param cluster the cluster's id
     * @throws IllegalArgumentException when that can't stand in a certificate
     * @throws IOException when the directory has one already, or can't be written
     */
    public static CertificateAuthority create(Path directory, String cluster, Instant now, Duration lifetime)
            throws IOException {
        var checked = new SpiffeId(cluster, SpiffeId.Kind.USER, "anybody").cluster();
        PrivateFile.directory(directory);
        if (Files.exists(directory.resolve(KEY))) {
            throw new FileAlreadyExistsException(directory.resolve(KEY)
                    + " exists: the cluster's certificates come from it. Take another directory");
        }
        KeyPair pair = OwnKey.newPair(RANDOM);
        X500Name name = new X500NameBuilder(BCStyle.INSTANCE)
                .addRDN(BCStyle.O, checked)
                .addRDN(BCStyle.CN, "raftfleet CA")
                .build();
        try {
            var utils = new JcaX509ExtensionUtils();
            var builder = builder(name, name, now.minus(EARLIER), now.plus(lifetime), pair.getPublic())
                    .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
                    .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign))
                    .addExtension(
                            Extension.subjectKeyIdentifier, false, utils.createSubjectKeyIdentifier(pair.getPublic()))
                    .addExtension(
                            Extension.subjectAlternativeName,
                            false,
                            new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, SCHEME + checked)));
            X509Certificate certificate = signed(builder, pair.getPrivate());
            new Issued(
                            OwnKey.pem("CERTIFICATE", certificate.getEncoded()),
                            OwnKey.pem("PRIVATE KEY", pair.getPrivate().getEncoded()))
                    .write(directory.resolve(CERTIFICATE), directory.resolve(KEY));
            return new CertificateAuthority(certificate, pair.getPrivate(), checked);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("no certificate can be made", e);
        }
    }

    /**
     * Opens one that was made by {@link #create}.
     *
     * @throws IOException when there is none, or it can't be read
     */
    public static CertificateAuthority open(Path directory) throws IOException {
        Path file = directory.resolve(CERTIFICATE);
        try {
            var certificate = (X509Certificate) CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(Files.readAllBytes(file)));
            String text = Files.readString(directory.resolve(KEY), StandardCharsets.US_ASCII);
            byte[] encoded = Base64.getMimeDecoder()
                    .decode(text.replaceAll("-----[A-Z ]+-----", "").strip());
            PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(encoded));
            return new CertificateAuthority(certificate, key, cluster(file, certificate));
        } catch (NoSuchFileException e) {
            throw new IOException(
                    directory + " has no certificate authority, " + CERTIFICATE + " and " + KEY
                            + ": make one with fleetctl cert create-ca",
                    e);
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new IOException("the certificate authority in " + directory + " can't be read: " + e.getMessage(), e);
        }
    }

    /**
     * The one whose key this is, among those that somebody believes.
     *
     * @param keyFile PEM, PKCS #8
     * @param cluster the cluster's id
     * @throws CredentialsException when the key can't be read, or is none of theirs
     */
    public static CertificateAuthority of(List<X509Certificate> authorities, Path keyFile, String cluster)
            throws CredentialsException {
        for (X509Certificate authority : authorities) {
            Optional<PrivateKey> key = Credentials.keyOf(keyFile, authority);
            if (key.isPresent()) {
                return new CertificateAuthority(authority, key.get(), cluster);
            }
        }
        throw new CredentialsException("key file " + keyFile
                + " is not the key of an authority in the CA file: give the" + " two that were made together");
    }

    private static String cluster(Path file, X509Certificate certificate) throws GeneralSecurityException, IOException {
        var names = certificate.getSubjectAlternativeNames();
        if (names != null) {
            for (List<?> name : names) {
                if (name.get(0).equals(URI) && String.valueOf(name.get(1)).startsWith(SCHEME)) {
                    return String.valueOf(name.get(1)).substring(SCHEME.length());
                }
            }
        }
        throw new IOException(
                file + " does not say of which cluster it is: it was not made by fleetctl cert create-ca");
    }

    /** Whose it is. */
    public String cluster() {
        return cluster;
    }

    /** Its own certificate, PEM. */
    public String certificate() {
        try {
            return OwnKey.pem("CERTIFICATE", certificate.getEncoded());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a certificate that can't be written", e);
        }
    }

    /** Its key, PEM: whoever has it is everybody. */
    public String keyText() {
        return OwnKey.pem("PRIVATE KEY", key.getEncoded());
    }

    /** SHA-256 of its certificate, 32 bytes, by which those know it who have nothing else. */
    public byte[] digest() {
        return OwnKey.digest(certificate);
    }

    /**
     * Makes a key and a certificate of it, which ends with the authority's at the latest.
     *
     * @param role a user's; none else has one
     * @param hosts names and addresses under which browsers and curl know the server; engines know each other without
     * @throws IllegalArgumentException when something in it can't stand in a certificate
     */
    public Issued issue(
            SpiffeId.Kind kind, String name, Optional<Role> role, List<String> hosts, Instant from, Duration lifetime) {
        KeyPair pair = OwnKey.newPair(RANDOM);
        return new Issued(
                issue(pair.getPublic(), kind, name, role, hosts, from.minus(EARLIER), from.plus(lifetime)),
                OwnKey.pem("PRIVATE KEY", pair.getPrivate().getEncoded()));
    }

    /**
     * Makes a certificate of somebody's key, PEM, which ends with the authority's at the latest.
     *
     * @param role a user's; none else has one
     * @param from when it begins
     * @param to when it ends
     * @throws IllegalArgumentException when something in it can't stand in a certificate
     */
    public String issue(
            PublicKey owner,
            SpiffeId.Kind kind,
            String name,
            Optional<Role> role,
            List<String> hosts,
            Instant from,
            Instant to) {
        var id = new SpiffeId(cluster, kind, name);
        if (role.isPresent() != (kind == SpiffeId.Kind.USER)) {
            throw new IllegalArgumentException("users have a role, engines and agents none");
        }
        var subject = new X500NameBuilder(BCStyle.INSTANCE).addRDN(BCStyle.O, cluster);
        role.ifPresent(r -> subject.addRDN(BCStyle.OU, r.label()));
        subject.addRDN(BCStyle.CN, name);
        var names = new ArrayList<GeneralName>();
        names.add(new GeneralName(GeneralName.uniformResourceIdentifier, id.toString()));
        hosts.forEach(host -> names.add(
                new GeneralName(IP.matcher(host).matches() ? GeneralName.iPAddress : GeneralName.dNSName, host)));
        KeyPurposeId[] purposes = kind == SpiffeId.Kind.ENGINE
                ? new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}
                : new KeyPurposeId[] {KeyPurposeId.id_kp_clientAuth};
        try {
            var utils = new JcaX509ExtensionUtils();
            X500Name issuer =
                    X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded());
            Instant end = certificate.getNotAfter().toInstant();
            var builder = builder(issuer, subject.build(), from, to.isBefore(end) ? to : end, owner)
                    .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
                    .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
                    .addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes))
                    .addExtension(
                            Extension.authorityKeyIdentifier,
                            false,
                            utils.createAuthorityKeyIdentifier(certificate.getPublicKey()))
                    .addExtension(
                            Extension.subjectAlternativeName,
                            false,
                            new GeneralNames(names.toArray(new GeneralName[0])));
            return OwnKey.pem("CERTIFICATE", signed(builder, key).getEncoded());
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("no certificate can be made", e);
        }
    }

    private static X509v3CertificateBuilder builder(
            X500Name issuer, X500Name subject, Instant from, Instant to, PublicKey key) {
        return new JcaX509v3CertificateBuilder(
                issuer, new BigInteger(127, RANDOM).setBit(126), Date.from(from), Date.from(to), subject, key);
    }

    private static X509Certificate signed(X509v3CertificateBuilder builder, PrivateKey key)
            throws GeneralSecurityException {
        try {
            return new JcaX509CertificateConverter()
                    .getCertificate(builder.build(new JcaContentSignerBuilder(SIGNATURE).build(key)));
        } catch (OperatorCreationException e) {
            throw new GeneralSecurityException(e);
        }
    }
}
