package io.raftfleet.engine.access;

import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.stub.MetadataUtils;
import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.tls.QuietLog;
import io.raftfleet.identity.tls.TlsIdentity;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets through the calls that {@link GrpcAccess} allows, with their {@link Caller} in the context. An engine may say for whom it
 * calls; nobody else may, and whoever is revoked may nothing, wherever it came in: an engine that is behind may not know of it. Without TLS there is nobody to tell from another: {@link #none}.
 *
 * <p>Thread-safe: its only state is what it has said, which guards itself.
 */
public final class Authorization implements ServerInterceptor {
    /** On a call that an engine forwards: for whom, see {@link Caller#header}. */
    static final Metadata.Key<String> CALLER = Metadata.Key.of("raftfleet-caller", Metadata.ASCII_STRING_MARSHALLER);

    /** On a forwarded call whose caller has shown a certificate: when that begins, in milliseconds of Unix time. */
    static final Metadata.Key<String> CERTIFIED =
            Metadata.Key.of("raftfleet-caller-certified-ms", Metadata.ASCII_STRING_MARSHALLER);

    private static final Logger log = LoggerFactory.getLogger(Authorization.class);
    private static final String IDENTITY = "raftfleet.identity";

    private static final Context.Key<SSLSession> CONNECTION = Context.key("connection");

    private final Metadata.Key<String> forwarded;
    private final InstantSource clock;
    private final TlsIdentity.Objection revoked;
    private final QuietLog strangers = new QuietLog(log::warn, System::nanoTime);

    /**
     * An interceptor of a server with TLS.
     *
     * @param forwarded marks calls of engines too
     * @param revoked what there is against certificates that were shown to other engines
     */
    public Authorization(Metadata.Key<String> forwarded, InstantSource clock, TlsIdentity.Objection revoked) {
        this.forwarded = forwarded;
        this.clock = clock;
        this.revoked = revoked;
    }

    /** For a server that was told to do without certificates: whoever calls may everything. */
    public static ServerInterceptor none() {
        return new ServerInterceptor() {
            @Override
            public <Q, R> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                return Contexts.interceptCall(Caller.PLAINTEXT.in(Context.current()), call, headers, next);
            }
        };
    }

    /** Passes on, to another engine, the caller of whatever makes a call. */
    public static ClientInterceptor passingOn() {
        return new ClientInterceptor() {
            @Override
            public <Q, R> ClientCall<Q, R> interceptCall(
                    MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
                var caller = Caller.known();
                if (caller == null) {
                    return next.newCall(method, options);
                }
                var headers = new Metadata();
                headers.put(CALLER, caller.header());
                if (caller.identity().isPresent()) {
                    headers.put(CERTIFIED, Long.toString(caller.certified().toEpochMilli()));
                }
                return MetadataUtils.newAttachHeadersInterceptor(headers).interceptCall(method, options, next);
            }
        };
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        var method = call.getMethodDescriptor().getFullMethodName();
        Caller caller;
        try {
            caller = caller(call.getAttributes(), headers);
        } catch (CertificateException e) {
            return refuse(call, Status.UNAUTHENTICATED, String.valueOf(e.getMessage()));
        } catch (IllegalArgumentException e) {
            return refuse(call, Status.PERMISSION_DENIED, String.valueOf(e.getMessage()));
        }
        var objection = GrpcAccess.of(method).objection(caller, method);
        if (objection != null) {
            return caller.kind() == Caller.Kind.STRANGER
                    ? refuseStranger(call, objection + ": show a certificate")
                    : refuse(call, Status.PERMISSION_DENIED, objection);
        }
        var context = caller.in(Context.current());
        var session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
        // Who calls through another engine has shown nothing here.
        boolean itself = session != null && !headers.containsKey(CALLER);
        return Contexts.interceptCall(itself ? context.withValue(CONNECTION, session) : context, call, headers, next);
    }

    /** The certificates that the caller of what this thread does has shown on this connection, its own first; none where it has not. */
    public static List<X509Certificate> shown() {
        var session = CONNECTION.get();
        if (session == null) {
            return List.of();
        }
        try {
            return Arrays.stream(session.getPeerCertificates())
                    .map(X509Certificate.class::cast)
                    .toList();
        } catch (SSLPeerUnverifiedException e) {
            return List.of();
        }
    }

    private Caller caller(Attributes connection, Metadata headers) throws CertificateException {
        var identity = identity(connection.get(Grpc.TRANSPORT_ATTR_SSL_SESSION));
        var peer = identity.map(Caller::of).orElse(Caller.STRANGER);
        var asserted = headers.get(CALLER);
        if (peer.kind() == Caller.Kind.ENGINE) {
            try {
                return asserted == null
                        ? peer
                        : unrevoked(Caller.parse(asserted).by(certified(headers)));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        peer + " says that it calls for \"" + asserted + "\", who is nobody", e);
            }
        }
        if (asserted != null || headers.containsKey(forwarded)) {
            throw new IllegalArgumentException(peer + " may call for nobody else: engines alone may");
        }
        return peer;
    }

    /** Engines before this version do not say it: then every revocation of that name counts. */
    private static Instant certified(Metadata headers) {
        var millis = headers.get(CERTIFIED);
        return millis == null ? Instant.EPOCH : Instant.ofEpochMilli(Long.parseLong(millis));
    }

    private Caller unrevoked(Caller caller) throws CertificateException {
        var identity = caller.identity();
        var objection = identity.isEmpty() ? null : revoked.to(identity.get(), caller.certified());
        if (objection != null) {
            throw new CertificateException(
                    "the certificate of " + caller + ", shown to another engine, is not taken: " + objection
                            + (caller.certified().equals(Instant.EPOCH)
                                    ? " (that engine, of an older version, does not say whether it has done so: ask another)"
                                    : ""));
        }
        return caller;
    }

    /** Empty for somebody without a certificate, whom the server lets in where it has something to offer to strangers. */
    private Optional<Identity> identity(@Nullable SSLSession session) throws CertificateException {
        if (session == null) {
            throw new CertificateException("the connection has no TLS");
        }
        try {
            var certificate = (X509Certificate) session.getPeerCertificates()[0];
            var validity = Credentials.validity(certificate, clock.instant());
            if (validity != null) {
                throw new CertificateException("the certificate that this connection was made with " + validity);
            }
            if (session.getValue(IDENTITY) instanceof Identity known) {
                return Optional.of(known);
            }
            var identity = Identity.of(certificate);
            session.putValue(IDENTITY, identity);
            return Optional.of(identity);
        } catch (SSLPeerUnverifiedException e) {
            log.debug("a connection shows no certificate", e);
            return Optional.empty();
        }
    }

    private static <Q, R> ServerCall.Listener<Q> refuse(ServerCall<Q, R> call, Status status, String why) {
        log.warn("refused a call from {}: {}", call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR), why);
        return end(call, status, why);
    }

    /** Anybody can be a stranger, as often as it likes: that fills no log. */
    private <Q, R> ServerCall.Listener<Q> refuseStranger(ServerCall<Q, R> call, String why) {
        strangers.say("somebody without a certificate calls what takes one, and is refused");
        log.debug("refused a call from {}: {}", call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR), why);
        return end(call, Status.UNAUTHENTICATED, why);
    }

    private static <Q, R> ServerCall.Listener<Q> end(ServerCall<Q, R> call, Status status, String why) {
        call.close(status.withDescription(why), new Metadata());
        return new ServerCall.Listener<>() {};
    }
}
