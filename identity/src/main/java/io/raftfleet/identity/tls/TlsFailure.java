package io.raftfleet.identity.tls;

import java.nio.channels.ClosedChannelException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Map;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Why two could not agree on TLS, in one line. The words are "it", the peer, and "this side". */
public final class TlsFailure {
    /** Of a record of TLS, the first byte: an alert, or a handshake; and the second, of every version of it. */
    static final int ALERT = 21;

    static final int HANDSHAKE = 22;
    static final int VERSION = 3;

    /** What a peer that speaks plaintext is told, and one that speaks TLS where nobody else does. */
    static final String PLAINTEXT =
            "it speaks plaintext, and this side TLS: give it --ca-file, --cert-file and --key-file";

    /** A server of TLS says nothing to those who don't speak it. */
    public static final String SILENT =
            "it closed the connection without a word, as one does that speaks TLS: give this side"
                    + " --ca-file, --cert-file and --key-file if it does";

    /** What a client says of a server that speaks TLS and no HTTP/2. */
    public static final String NO_GRPC = "it speaks TLS, but no gRPC: is that the engine's port for HTTP?";

    static final String TLS =
            "it speaks TLS, and this side plaintext: give both --ca-file, --cert-file and --key-file," + " or neither";

    /** What an alert (RFC 8446, 6.2) that came from the peer means. */
    private static final Map<String, String> ALERTS = Map.of(
            "certificate_required", "it asks for a certificate, and this side showed none",
            "certificate_expired", "it says that this side's certificate has expired",
            "certificate_revoked", "it says that this side's certificate is revoked",
            "unknown_ca", "it does not know the authority that issued this side's certificate",
            "protocol_version", "it does not speak TLS 1.3");

    private static final String ALERT_TEXT = "fatal alert: ";

    private TlsFailure() {}

    /** Whether a connection failed because of TLS. */
    public static boolean is(@Nullable Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof SSLException || t instanceof CertificateException || notTls(t)) {
                return true;
            }
        }
        return false;
    }

    private static boolean notTls(Throwable t) {
        return t.getClass().getSimpleName().equals("NotSslRecordException"); // Netty's, or Ratis' copy of it
    }

    /**
     * Why.
     *
     * @param authorities this side's CA file, for people
     */
    public static String words(Throwable failure, Object authorities) {
        String text = null;
        for (Throwable t = failure; t != null; t = t.getCause()) {
            String message = String.valueOf(t.getMessage());
            if (notTls(t)) {
                return PLAINTEXT;
            }
            if (t instanceof CertificateExpiredException) {
                return "its certificate has expired (" + message + "): have a new one issued, or set the clocks";
            }
            if (t instanceof CertificateNotYetValidException) {
                return "its certificate is not valid yet (" + message + "): set the clocks";
            }
            if (message.contains("Extended key usage")) {
                return "its certificate is not for this end of a connection (" + message
                        + "): it is a user's or an agent's, where an engine's belongs";
            }
            if (t instanceof CertPathBuilderException || t instanceof CertPathValidatorException) {
                text = "its certificate is not from an authority in " + authorities + " (" + message
                        + "): use certificates of the same one";
            } else if (t instanceof CertificateException
                    && t.getCause() == null
                    && !t.getClass().getName().startsWith("sun.")) {
                return message;
            } else if (text == null && (t instanceof SSLException || t instanceof ClosedChannelException)) {
                text = words(message, t);
            }
        }
        return text == null ? String.valueOf(failure) : text;
    }

    private static String words(String message, Throwable failure) {
        int alert = message.indexOf(ALERT_TEXT);
        if (alert >= 0) {
            String name = message.substring(alert + ALERT_TEXT.length()).strip();
            return ALERTS.getOrDefault(
                    name, "it does not accept this side's certificate (" + name + "): its log says why");
        }
        if (message.contains("Empty client certificate chain")) {
            return "it shows no certificate";
        }
        if (message.contains("protocol") && (message.contains("not enabled") || message.contains("not accepted"))) {
            return "it does not speak TLS 1.3 (" + message + ")";
        }
        if (failure instanceof ClosedChannelException) {
            return "it closed the connection before TLS was agreed on";
        }
        return message;
    }
}
