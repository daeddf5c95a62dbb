package io.raftfleet.identity;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What is in {@link TlsFiles}; unless {@link #unproven} has read it, it was found to fit together.
 *
 * @param files where it was read
 * @param self who this is
 * @param chain its certificate first
 * @param key of that certificate
 * @param authorities whom to believe
 * @param digest of the three files' bytes, in hexadecimal
 */
public record Credentials(
        TlsFiles files,
        Identity self,
        List<X509Certificate> chain,
        PrivateKey key,
        List<X509Certificate> authorities,
        String digest) {
    /** Longest of the three files, in bytes. */
    private static final int MAX_FILE = 1 << 20;

    private static final String BEGIN = "-----BEGIN PRIVATE KEY-----";
    private static final String END = "-----END PRIVATE KEY-----";

    public Credentials {
        chain = List.copyOf(chain);
        authorities = List.copyOf(authorities);
    }

    /**
     * Reads the files.
     *
     * @throws CredentialsException when one can't be read or used, they do not fit together, or the certificate is not valid at
     *     {@code now}
     */
    public static Credentials read(TlsFiles files, Instant now) throws CredentialsException {
        Credentials read = unproven(files, now);
        read.prove(now);
        return read;
    }

    /**
     * The same, but whether they fit together is not looked at: that takes signatures, of which each costs a process that has just
     * started some ten milliseconds, and a handshake makes them again.
     *
     * @throws CredentialsException when one can't be read or used, or the certificate is not valid at {@code now}
     */
    public static Credentials unproven(TlsFiles files, Instant now) throws CredentialsException {
        Credentials read = parse(files);
        String validity = validity(read.chain().getFirst(), now);
        if (validity != null) {
            throw new CredentialsException(
                    "the certificate in " + files.certificate() + ", " + read.self() + ", " + validity);
        }
        return read;
    }

    /**
     * As {@link #read}, whenever the certificate is valid: a clock that is wrong is put right by itself, other faults are not.
     *
     * @throws CredentialsException when one can't be read or used, or they do not fit together
     */
    public static Credentials whenever(TlsFiles files, Instant now) throws CredentialsException {
        Credentials read = parse(files);
        read.prove(now);
        return read;
    }

    private static Credentials parse(TlsFiles files) throws CredentialsException {
        byte[] authorityBytes = bytes("CA file", files.authorities());
        byte[] chainBytes = bytes("certificate file", files.certificate());
        byte[] keyBytes = bytes("key file", files.key());
        forOwnerAlone(files.key());
        List<X509Certificate> authorities = certificates("CA file", files.authorities(), authorityBytes);
        List<X509Certificate> chain = certificates("certificate file", files.certificate(), chainBytes);
        X509Certificate own = chain.getFirst();
        Identity self;
        try {
            self = Identity.of(own);
        } catch (CertificateException e) {
            throw new CredentialsException("certificate file " + files.certificate() + ": " + e.getMessage(), e);
        }
        PrivateKey key = key(files.key(), keyBytes, own.getPublicKey());
        return new Credentials(files, self, chain, key, authorities, digest(authorityBytes, chainBytes, keyBytes));
    }

    /**
     * Looks whether the key is that of the certificate, and the certificate from one of the authorities, when it is valid.
     *
     * @throws CredentialsException when not
     */
    public void prove(Instant now) throws CredentialsException {
        X509Certificate own = chain.getFirst();
        if (!fits(key, own.getPublicKey())) {
            throw new CredentialsException("key file " + files.key() + " is not the key of the certificate in "
                    + files.certificate() + ", " + self + ": give the two that were made together");
        }
        try {
            Instant from = own.getNotBefore().toInstant();
            Instant to = own.getNotAfter().toInstant();
            verify(chain, now.isBefore(from) ? from : now.isAfter(to) ? to : now);
        } catch (CertificateException e) {
            throw new CredentialsException(
                    "the certificate in " + files.certificate() + ", " + self + ", is not from an authority in "
                            + files.authorities() + " (" + e.getMessage() + "): give the CA file of its cluster, or"
                            + " have a certificate issued by that authority",
                    e);
        }
    }

    /**
     * Follows a chain to one of the authorities.
     *
     * @throws CertificateException when there is no way, or a certificate on it is not valid at {@code now}
     */
    public void verify(List<X509Certificate> peer, Instant now) throws CertificateException {
        try {
            Set<TrustAnchor> anchors = authorities.stream()
                    .map(authority -> new TrustAnchor(authority, null))
                    .collect(Collectors.toCollection(LinkedHashSet::new));
            var parameters = new PKIXParameters(anchors);
            parameters.setRevocationEnabled(false);
            parameters.setDate(Date.from(now));
            var path = CertificateFactory.getInstance("X.509").generateCertPath(peer);
            CertPathValidator.getInstance("PKIX").validate(path, parameters);
        } catch (GeneralSecurityException e) {
            throw new CertificateException(e.getMessage(), e);
        }
    }

    /** Why a certificate does not hold at a time, with what to do; null when it does. */
    public static @Nullable String validity(X509Certificate certificate, Instant now) {
        Instant from = certificate.getNotBefore().toInstant();
        Instant to = certificate.getNotAfter().toInstant();
        if (now.isBefore(from)) {
            return "is not valid before " + from + ", and it is " + now + " by this machine's clock: set the clock";
        }
        if (now.isAfter(to)) {
            return "expired at " + to + ", and it is " + now
                    + " by this machine's clock: have a new one issued, or set the clock";
        }
        return null;
    }

    /**
     * The key in a file, if it is that of a certificate.
     *
     * @throws CredentialsException when the file can't be read, or is open to others
     */
    public static Optional<PrivateKey> keyOf(Path file, X509Certificate certificate) throws CredentialsException {
        byte[] pem = bytes("key file", file);
        forOwnerAlone(file);
        PrivateKey key = key(file, pem, certificate.getPublicKey());
        return fits(key, certificate.getPublicKey()) ? Optional.of(key) : Optional.empty();
    }

    /**
     * The certificates in a CA file.
     *
     * @throws CredentialsException when it can't be read, or has none
     */
    public static List<X509Certificate> authorities(Path file) throws CredentialsException {
        return certificates("CA file", file, bytes("CA file", file));
    }

    private static byte[] bytes(String what, Path file) throws CredentialsException {
        try {
            if (Files.size(file) > MAX_FILE) {
                throw new CredentialsException(what + " " + file + " has more than " + MAX_FILE + " bytes: it is none");
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new CredentialsException(what + " " + file + " does not exist", e);
        } catch (AccessDeniedException e) {
            throw new CredentialsException(
                    what + " " + file + " can't be read by user " + System.getProperty("user.name")
                            + ": make it that user's",
                    e);
        } catch (CredentialsException e) {
            throw e;
        } catch (IOException e) {
            throw new CredentialsException(what + " " + file + " can't be read: " + e.getMessage(), e);
        }
    }

    private static void forOwnerAlone(Path key) throws CredentialsException {
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(key);
            if (permissions.contains(PosixFilePermission.OTHERS_READ)
                    || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
                throw new CredentialsException("key file " + key
                        + " is open to every user of this machine, who could all pass for its owner: chmod 600 it, and"
                        + " have a new one issued if others may have read it");
            }
        } catch (UnsupportedOperationException e) {
            // Where files have no such modes there is nothing to look at.
        } catch (CredentialsException e) {
            throw e;
        } catch (IOException e) {
            throw new CredentialsException("key file " + key + " can't be read: " + e.getMessage(), e);
        }
    }

    private static List<X509Certificate> certificates(String what, Path file, byte[] pem) throws CredentialsException {
        List<X509Certificate> certificates;
        try {
            certificates =
                    CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem)).stream()
                            .map(X509Certificate.class::cast)
                            .toList();
        } catch (CertificateException e) {
            throw new CredentialsException(what + " " + file + " has no PEM certificates: " + e.getMessage(), e);
        }
        if (certificates.isEmpty()) {
            throw new CredentialsException(what + " " + file + " has no PEM certificate in it");
        }
        return certificates;
    }

    private static PrivateKey key(Path file, byte[] pem, PublicKey certified) throws CredentialsException {
        String text = new String(pem, StandardCharsets.US_ASCII);
        int begin = text.indexOf(BEGIN);
        int end = text.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new CredentialsException(
                    "key file " + file + " has no \"" + BEGIN
                            + "\" in it: it must be PKCS #8 without a passphrase, as \"openssl pkcs8 -topk8 -nocrypt\" makes it");
        }
        try {
            byte[] encoded = Base64.getMimeDecoder().decode(text.substring(begin + BEGIN.length(), end));
            return KeyFactory.getInstance(certified.getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(encoded));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new CredentialsException(
                    "key file " + file + " has no " + certified.getAlgorithm()
                            + " key in it, as the certificate has: give the two that were made together",
                    e);
        }
    }

    private static boolean fits(PrivateKey key, PublicKey certified) {
        String algorithm = switch (certified.getAlgorithm()) {
            case "EC" -> "SHA256withECDSA";
            case "RSA" -> "SHA256withRSA";
            default -> certified.getAlgorithm();
        };
        byte[] text = "fits".getBytes(StandardCharsets.US_ASCII);
        try {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(text);
            byte[] signed = signature.sign();
            signature.initVerify(certified);
            signature.update(text);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static String digest(byte[]... files) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (byte[] file : files) {
                digest.update(MessageDigest.getInstance("SHA-256").digest(file));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** Without the key. */
    @Override
    public String toString() {
        return self + " of " + files.certificate();
    }
}
