package io.raftfleet.identity.ca;

import io.raftfleet.identity.CredentialsException;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/** A key that never leaves its machine, and the request to have it certified (PKCS #10). Elliptic, on P-256. Immutable. */
public final class OwnKey {
    private static final String CURVE = "secp256r1";
    private static final String SIGNATURE = "SHA256withECDSA";
    private static final int CURVE_BITS = 256;

    private final KeyPair pair;

    private OwnKey(KeyPair pair) {
        this.pair = pair;
    }

    /** A new one. */
    public static OwnKey create(SecureRandom random) {
        return new OwnKey(newPair(random));
    }

    /** One that has been certified before. */
    public static OwnKey of(PublicKey certified, PrivateKey key) {
        return new OwnKey(new KeyPair(certified, key));
    }

    /** As files have it: PEM, PKCS #8. */
    public String text() {
        return pem("PRIVATE KEY", pair.getPrivate().getEncoded());
    }

    /** A request to have it certified, DER. Names nobody: who one becomes is the issuer's to know. */
    public byte[] signingRequest() {
        try {
            return new JcaPKCS10CertificationRequestBuilder(new X500Name(""), pair.getPublic())
                    .build(new JcaContentSignerBuilder(SIGNATURE).build(pair.getPrivate()))
                    .getEncoded();
        } catch (OperatorCreationException | IOException e) {
            throw new IllegalStateException("every Java has " + SIGNATURE, e);
        }
    }

    /**
     * The key of a request, whose possession it proves.
     *
     * @throws CredentialsException when it is no request, proves nothing, or is of another kind of key
     */
    public static PublicKey requested(byte[] request) throws CredentialsException {
        try {
            var parsed = new JcaPKCS10CertificationRequest(request);
            PublicKey key = parsed.getPublicKey();
            if (!"EC".equals(key.getAlgorithm()) || bits(key) != CURVE_BITS) {
                throw new CredentialsException("the signing request is of another key than an elliptic one on P-256");
            }
            if (!new PKCS10CertificationRequest(request)
                    .isSignatureValid(new JcaContentVerifierProviderBuilder().build(key))) {
                throw new CredentialsException("the signing request is not signed with its own key");
            }
            return key;
        } catch (CredentialsException e) {
            throw e;
        } catch (IOException
                | GeneralSecurityException
                | OperatorCreationException
                | PKCSException
                | RuntimeException e) {
            throw new CredentialsException("the signing request can't be read: " + e.getMessage(), e);
        }
    }

    private static int bits(PublicKey key) {
        return key instanceof ECPublicKey elliptic
                ? elliptic.getParams().getCurve().getField().getFieldSize()
                : 0;
    }

    /** SHA-256 of a key as certificates have it. */
    public static byte[] digest(PublicKey key) {
        return sha256(key.getEncoded());
    }

    /** SHA-256 of a certificate. */
    public static byte[] digest(Certificate certificate) {
        try {
            return sha256(certificate.getEncoded());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a certificate that can't be written", e);
        }
    }

    /** SHA-256. */
    public static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    static KeyPair newPair(SecureRandom random) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec(CURVE), random);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has " + CURVE, e);
        }
    }

    static String pem(String type, byte[] encoded) {
        return "-----BEGIN " + type + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded) + "\n-----END " + type
                + "-----\n";
    }
}
