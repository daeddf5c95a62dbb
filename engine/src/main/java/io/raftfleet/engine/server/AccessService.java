package io.raftfleet.engine.server;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.raftfleet.engine.access.Authorization;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.Async;
import io.raftfleet.engine.control.Abandoned;
import io.raftfleet.engine.control.ClusterTime;
import io.raftfleet.engine.control.Controller;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TokenText;
import io.raftfleet.identity.ca.OwnKey;
import io.raftfleet.identity.tls.QuietLog;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.AuthorityRequest;
import io.raftfleet.proto.cluster.AuthorityResponse;
import io.raftfleet.proto.cluster.CreateLoginRequest;
import io.raftfleet.proto.cluster.CreateLoginResponse;
import io.raftfleet.proto.cluster.CreateTokenRequest;
import io.raftfleet.proto.cluster.CreateTokenResponse;
import io.raftfleet.proto.cluster.EngineAddresses;
import io.raftfleet.proto.cluster.JoinRequest;
import io.raftfleet.proto.cluster.JoinResponse;
import io.raftfleet.proto.cluster.ListRevokedRequest;
import io.raftfleet.proto.cluster.ListRevokedResponse;
import io.raftfleet.proto.cluster.ListTokensRequest;
import io.raftfleet.proto.cluster.ListTokensResponse;
import io.raftfleet.proto.cluster.RemoveTokenRequest;
import io.raftfleet.proto.cluster.RemoveTokenResponse;
import io.raftfleet.proto.cluster.RenewRequest;
import io.raftfleet.proto.cluster.RenewResponse;
import io.raftfleet.proto.cluster.Revocation;
import io.raftfleet.proto.cluster.RevokeRequest;
import io.raftfleet.proto.cluster.RevokeResponse;
import io.raftfleet.proto.log.IdentityRevoked;
import io.raftfleet.proto.log.JoinTokenCreated;
import io.raftfleet.proto.log.JoinTokenRemoved;
import io.raftfleet.proto.log.JoinTokenUse;
import io.raftfleet.proto.log.JoinTokenUsed;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.JoinToken;
import io.raftfleet.state.Registry;
import io.raftfleet.state.Revoked;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftNode;
import io.raftfleet.state.raft.ReplicationException;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who belongs to the cluster, over gRPC. See {@code access.proto}. What a token is good for is said where its use is applied, and
 * asked there before anything is written, so that a stranger with a wrong one writes nothing.
 */
final class AccessService extends AccessGrpc.AccessImplBase {
    private static final Logger log = LoggerFactory.getLogger(AccessService.class);
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final Duration LONGEST = Duration.ofDays(30);
    private static final int MOST_USES = 1_000;
    private static final int ID_BYTES = 6;
    private static final int SECRET_BYTES = 16;
    /** Whoever is revoked may have connections for so long, by which it must get nothing new. */
    private static final Duration REVOKED = Duration.ofMinutes(1);

    private static final Pattern MACHINE_ID = Pattern.compile("[0-9a-f]{32}");

    private final String clusterId;
    private final Optional<Issuer> issuer;
    private final Registry registry;
    private final Controller controller;
    private final RaftNode raft;
    private final LeaderRoute route;
    private final ClusterTime clock;
    private final SecureRandom random;
    private final LoginLinks links;
    private final QuietLog refused = new QuietLog(log::warn, System::nanoTime);

    /** @param issuer empty where the engine has not the authority's key */
    AccessService(
            String clusterId,
            Optional<Issuer> issuer,
            Registry registry,
            Controller controller,
            RaftNode raft,
            LeaderRoute route,
            ClusterTime clock,
            SecureRandom random,
            LoginLinks links) {
        this.clusterId = clusterId;
        this.issuer = issuer;
        this.registry = registry;
        this.controller = controller;
        this.raft = raft;
        this.route = route;
        this.clock = clock;
        this.random = random;
        this.links = links;
    }

    @Override
    public void authority(AuthorityRequest request, StreamObserver<AuthorityResponse> responses) {
        answered(
                responses,
                () -> CompletableFuture.completedFuture(AuthorityResponse.newBuilder()
                        .setCertificate(requireIssuer().authority().certificate())
                        .build()));
    }

    @Override
    public void join(JoinRequest request, StreamObserver<JoinResponse> responses) {
        if (!forwarded(AccessGrpc.AccessStub::join, request, responses)) {
            // What a leader has not applied yet it does not know of.
            answered(
                    responses,
                    () -> raft.readIndex(DEADLINE).thenCompose(index -> {
                        try {
                            return join(request);
                        } catch (StatusException e) {
                            return CompletableFuture.failedFuture(e);
                        }
                    }));
        }
    }

    private CompletableFuture<JoinResponse> join(JoinRequest request) throws StatusException {
        var issuing = requireIssuer();
        SpiffeId id = id(request.getWho(), true);
        PublicKey key;
        try {
            key = OwnKey.requested(request.getSigningRequest().toByteArray());
        } catch (CredentialsException e) {
            throw refusal(Status.INVALID_ARGUMENT, String.valueOf(e.getMessage()));
        }
        var use = JoinTokenUsed.newBuilder()
                .setId(request.getTokenId())
                .setSecretHash(
                        ByteString.copyFrom(OwnKey.sha256(request.getSecret().toByteArray())))
                .setWho(request.getWho())
                .setKeyDigest(ByteString.copyFrom(OwnKey.digest(key)))
                .build();
        // Read before the use is written: whoever is revoked meanwhile gets a certificate that begins before that, and
        // is worth nothing.
        long revoked = revokedMs(id);
        var objection = registry.read(view -> Optional.ofNullable(view.objection(use)));
        if (objection.isPresent()) {
            // Whoever tries is a stranger, and was told why.
            refused.say("somebody may not join: its token won't do");
            log.debug("{} may not join: {}", id, objection.get());
            throw refusal(Status.UNAUTHENTICATED, objection.get());
        }
        JoinToken token = registry.read(view -> view.tokens().stream()
                        .filter(open -> open.id().equals(request.getTokenId()))
                        .findFirst())
                .orElseThrow(() -> refusal(Status.UNAUTHENTICATED, "the token has just expired"));
        if (id.kind() == SpiffeId.Kind.ENGINE && token.who().getName().isEmpty() && isMember(id.name())) {
            throw refusal(
                    Status.UNAUTHENTICATED,
                    "engine " + id.name() + " belongs to the cluster already: choose another id, or make a token for it"
                            + " alone");
        }
        if (revoked > 0 && token.who().getName().isEmpty()) {
            throw refusal(
                    Status.UNAUTHENTICATED,
                    id + " was revoked: it joins again only with a token that was made for it alone");
        }
        var record = Record.newBuilder().setJoinTokenUsed(use).build();
        return write(record, id + " joins", Status.UNAUTHENTICATED).thenApply(done -> {
            log.info("{} joins with token {} of {}", id, token.id(), token.createdBy());
            return joined(issuing, id, Role.of(token.role()), request, revoked);
        });
    }

    private JoinResponse joined(Issuer issuing, SpiffeId id, Optional<Role> role, JoinRequest request, long revokedMs) {
        var response = JoinResponse.newBuilder()
                .setCertificate(
                        issued(issuing, id, role, request.getSigningRequest(), request.getHostsList(), revokedMs))
                .setAuthority(issuing.authority().certificate());
        raft.view().peers().forEach(peer -> response.addEngines(addresses(peer)));
        if (id.kind() == SpiffeId.Kind.ENGINE) {
            response.setAuthorityKey(issuing.authority().keyText());
        }
        return response.build();
    }

    @Override
    public void renew(RenewRequest request, StreamObserver<RenewResponse> responses) {
        var objection = otherKey(request);
        if (objection != null) {
            responses.onError(objection);
        } else if (!forwarded(AccessGrpc.AccessStub::renew, request, responses)) {
            answered(responses, () -> {
                var issuing = requireIssuer();
                SpiffeId id = callerId();
                long revoked = revokedMs(id);
                if (clock.millis() - revoked < REVOKED.toMillis()) {
                    throw refusal(
                            Status.PERMISSION_DENIED, id + " was revoked a moment ago: it joins again with a token");
                }
                return CompletableFuture.completedFuture(RenewResponse.newBuilder()
                        .setCertificate(issued(
                                issuing,
                                id,
                                Caller.current().role(),
                                request.getSigningRequest(),
                                request.getHostsList(),
                                revoked))
                        .build());
            });
        }
    }

    /** Who shows a certificate here must ask for its key; through another engine it has shown it there. */
    private static @Nullable StatusException otherKey(RenewRequest request) {
        var shown = Authorization.shown();
        try {
            return shown.isEmpty()
                            || Arrays.equals(
                                    OwnKey.digest(OwnKey.requested(
                                            request.getSigningRequest().toByteArray())),
                                    OwnKey.digest(shown.getFirst().getPublicKey()))
                    ? null
                    : refusal(
                            Status.PERMISSION_DENIED,
                            "a certificate is renewed with its own key, and this is another than the connection was made with: start the"
                                    + " agent again, or join with a new token");
        } catch (CredentialsException e) {
            return refusal(Status.INVALID_ARGUMENT, e.getMessage());
        }
    }

    @Override
    public void createToken(CreateTokenRequest request, StreamObserver<CreateTokenResponse> responses) {
        if (!forwarded(AccessGrpc.AccessStub::createToken, request, responses)) {
            answered(responses, () -> create(request));
        }
    }

    private CompletableFuture<CreateTokenResponse> create(CreateTokenRequest request) throws StatusException {
        var issuing = requireIssuer();
        var who = request.getWho();
        SpiffeId id = id(who, !who.getName().isEmpty());
        boolean user = id.kind() == SpiffeId.Kind.USER;
        if (user && (who.getName().isEmpty() || Role.of(request.getRole()).isEmpty())) {
            throw refusal(Status.INVALID_ARGUMENT, "a user's token has a name, and a role: viewer, operator or admin");
        }
        if (!user && !request.getRole().isEmpty()) {
            throw refusal(Status.INVALID_ARGUMENT, "users have roles, engines and agents none");
        }
        if (request.getUses() < 1 || request.getUses() > MOST_USES) {
            throw refusal(Status.INVALID_ARGUMENT, request.getUses() + " uses: a token has 1 to " + MOST_USES);
        }
        if (request.getLifetimeMs() < 1_000 || request.getLifetimeMs() > LONGEST.toMillis()) {
            throw refusal(
                    Status.INVALID_ARGUMENT,
                    "a token lives for 1 s to " + LONGEST.toDays() + " days, not for " + request.getLifetimeMs()
                            + " ms");
        }
        byte[] secret = randomBytes(SECRET_BYTES);
        var created = JoinTokenCreated.newBuilder()
                .setId(HexFormat.of().formatHex(randomBytes(ID_BYTES)))
                .setSecretHash(ByteString.copyFrom(OwnKey.sha256(secret)))
                .setWho(who)
                .setRole(request.getRole())
                .setUses(request.getUses())
                .setExpiresMs(clock.millis() + request.getLifetimeMs())
                .setCreatedBy(Caller.current().toString())
                .build();
        var text = new TokenText(
                created.getId(),
                HexFormat.of().formatHex(secret),
                id.kind(),
                who.getName(),
                clusterId,
                HexFormat.of().formatHex(issuing.authority().digest()),
                raft.view().peers().stream().map(EnginePeer::grpcAddress).toList());
        var record = Record.newBuilder().setJoinTokenCreated(created).build();
        return raft.requireFormat(EntryFormats.WITH_TOKENS)
                .thenCompose(read -> write(record, "making a token", Status.RESOURCE_EXHAUSTED))
                .thenApply(done -> {
                    log.info(
                            "{} made token {} for {} {}",
                            created.getCreatedBy(),
                            created.getId(),
                            id.kind().label(),
                            who.getName());
                    return CreateTokenResponse.newBuilder()
                            .setToken(text.text())
                            .setCreated(message(created))
                            .build();
                });
    }

    @Override
    public void listTokens(ListTokensRequest request, StreamObserver<ListTokensResponse> responses) {
        answered(
                responses,
                () -> raft.readIndex(DEADLINE).thenApply(index -> {
                    var response = ListTokensResponse.newBuilder();
                    long now = clock.millis();
                    registry.read(view -> view.tokens()).stream()
                            .filter(token -> token.expiresMs() > now)
                            .forEach(token -> response.addTokens(message(token)));
                    return response.build();
                }));
    }

    @Override
    public void removeToken(RemoveTokenRequest request, StreamObserver<RemoveTokenResponse> responses) {
        if (!forwarded(AccessGrpc.AccessStub::removeToken, request, responses)) {
            answered(responses, () -> {
                return raft.requireFormat(EntryFormats.WITH_TOKENS)
                        .thenCompose(read -> write(
                                removal(request.getId()),
                                "taking token " + request.getId() + " away",
                                Status.NOT_FOUND))
                        .thenApply(done -> RemoveTokenResponse.getDefaultInstance());
            });
        }
    }

    @Override
    public void revoke(RevokeRequest request, StreamObserver<RevokeResponse> responses) {
        if (!forwarded(AccessGrpc.AccessStub::revoke, request, responses)) {
            answered(responses, () -> {
                SpiffeId id = id(request.getWho(), true);
                var caller = Caller.current();
                if (caller.kind() == Caller.Kind.USER
                        && id.kind() == SpiffeId.Kind.USER
                        && caller.name().equals(id.name())) {
                    throw refusal(
                            Status.FAILED_PRECONDITION,
                            id + " is who calls: let another admin revoke it, so that nobody is locked out by mistake");
                }
                return raft.requireFormat(EntryFormats.WITH_TOKENS)
                        // What a leader has not applied yet it does not know of.
                        .thenCompose(read -> raft.readIndex(DEADLINE))
                        .thenCompose(index -> removeTokensOf(request.getWho()))
                        .thenCompose(removed -> revoke(id, request.getWho()).thenApply(revocation -> {
                            log.warn(
                                    "{} revoked all certificates of {} so far, and took away tokens {}",
                                    caller,
                                    id,
                                    removed.stream().map(JoinToken::id).toList());
                            return RevokeResponse.newBuilder()
                                    .setRevocation(revocation)
                                    .addAllRemovedTokens(removed.stream()
                                            .map(AccessService::message)
                                            .toList())
                                    .build();
                        }));
            });
        }
    }

    /**
     * Takes away the tokens by which it could join again: those that are for it, and those that it has used, whose secrets it knows. That
     * comes before the revocation, so that none of them gives a certificate that is dated after it.
     */
    private CompletableFuture<List<JoinToken>> removeTokensOf(Principal who) {
        var tokens = registry.read(view -> view.tokens()).stream()
                .filter(token -> token.who().equals(who)
                        || token.used().stream().anyMatch(use -> use.getWho().equals(who)))
                .toList();
        var removals = tokens.stream()
                .map(token -> controller
                        .record(removal(token.id()), "taking token " + token.id() + " away")
                        .orTimeout(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)) // It says why when it is gone already.
                .toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(removals).thenApply(done -> tokens);
    }

    private CompletableFuture<Revocation> revoke(SpiffeId id, Principal who) {
        // Who is taken out too late joins again; a certificate that is dated later would stay.
        var revocation = Revocation.newBuilder()
                .setWho(who)
                .setBeforeMs(clock.latestMs())
                .build();
        var record = Record.newBuilder()
                .setIdentityRevoked(IdentityRevoked.newBuilder().setWho(who).setBeforeMs(revocation.getBeforeMs()))
                .build();
        return write(record, "revoking " + id, Status.RESOURCE_EXHAUSTED).thenApply(done -> revocation);
    }

    private static Record removal(String token) {
        return Record.newBuilder()
                .setJoinTokenRemoved(JoinTokenRemoved.newBuilder().setId(token))
                .build();
    }

    @Override
    public void listRevoked(ListRevokedRequest request, StreamObserver<ListRevokedResponse> responses) {
        answered(
                responses,
                () -> raft.readIndex(DEADLINE).thenApply(index -> {
                    var response = ListRevokedResponse.newBuilder();
                    for (Revoked revoked : registry.read(view -> view.revoked())) {
                        response.addRevoked(
                                Revocation.newBuilder().setWho(revoked.who()).setBeforeMs(revoked.beforeMs()));
                    }
                    return response.build();
                }));
    }

    /** Of this engine's own page: it is passed on to nobody. */
    @Override
    public void createLogin(CreateLoginRequest request, StreamObserver<CreateLoginResponse> responses) {
        answered(responses, () -> CompletableFuture.completedFuture(links.create()));
    }

    // --- Parts -------------------------------------------------------------------------------------------------------

    private Issuer requireIssuer() throws StatusException {
        return issuer.orElseThrow(() -> refusal(
                Status.FAILED_PRECONDITION,
                "this engine has not the key of the cluster's authority: give all engines --ca-key-file, or issue"
                        + " certificates with fleetctl cert"));
    }

    /** @param named whether it must have a name */
    private SpiffeId id(Principal who, boolean named) throws StatusException {
        var kind = switch (who.getKind()) {
            case PRINCIPAL_KIND_ENGINE -> SpiffeId.Kind.ENGINE;
            case PRINCIPAL_KIND_AGENT -> SpiffeId.Kind.AGENT;
            case PRINCIPAL_KIND_USER -> SpiffeId.Kind.USER;
            case PRINCIPAL_KIND_UNSPECIFIED, UNRECOGNIZED ->
                throw refusal(Status.INVALID_ARGUMENT, "it must be an engine, an agent or a user");
        };
        if (named
                && kind == SpiffeId.Kind.AGENT
                && !MACHINE_ID.matcher(who.getName()).matches()) {
            throw refusal(
                    Status.INVALID_ARGUMENT,
                    "\"" + who.getName() + "\" is no machine id: that has 32 lower-case hexadecimal digits");
        }
        try {
            return new SpiffeId(clusterId, kind, named ? who.getName() : "anybody");
        } catch (IllegalArgumentException e) {
            throw refusal(Status.INVALID_ARGUMENT, String.valueOf(e.getMessage()));
        }
    }

    private SpiffeId callerId() throws StatusException {
        var caller = Caller.current();
        var kind = switch (caller.kind()) {
            case ENGINE -> SpiffeId.Kind.ENGINE;
            case AGENT -> SpiffeId.Kind.AGENT;
            case USER -> SpiffeId.Kind.USER;
            case LOCAL, PLAINTEXT, STRANGER ->
                throw refusal(Status.FAILED_PRECONDITION, caller + " has no certificate to renew");
        };
        return new SpiffeId(clusterId, kind, caller.name());
    }

    private static String issued(
            Issuer issuing, SpiffeId id, Optional<Role> role, ByteString request, List<String> hosts, long revokedMs) {
        try {
            return issuing.issue(id, role, request.toByteArray(), hosts, revokedMs);
        } catch (CredentialsException | IllegalArgumentException e) {
            throw Status.INVALID_ARGUMENT.withDescription(e.getMessage()).asRuntimeException();
        }
    }

    private long revokedMs(SpiffeId id) {
        var who = Revocations.principal(id);
        return registry.read(view -> view.revoked().stream()
                .filter(revoked -> revoked.who().equals(who))
                .mapToLong(Revoked::beforeMs)
                .max()
                .orElse(0));
    }

    private boolean isMember(String engine) {
        return raft.view().peers().stream().anyMatch(peer -> peer.id().equals(engine));
    }

    /** @param dropped with which the reason of a record that does not hold is told */
    private CompletableFuture<Void> write(Record record, String what, Status dropped) {
        return controller
                .record(record, what)
                .orTimeout(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
                .thenAccept(why -> {
                    if (why.isPresent()) {
                        throw dropped.withDescription(why.get()).asRuntimeException();
                    }
                });
    }

    private byte[] randomBytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static io.raftfleet.proto.cluster.JoinToken message(JoinTokenCreated created) {
        return io.raftfleet.proto.cluster.JoinToken.newBuilder()
                .setId(created.getId())
                .setWho(created.getWho())
                .setRole(created.getRole())
                .setUses(created.getUses())
                .setExpiresMs(created.getExpiresMs())
                .setCreatedBy(created.getCreatedBy())
                .build();
    }

    private static io.raftfleet.proto.cluster.JoinToken message(JoinToken token) {
        return io.raftfleet.proto.cluster.JoinToken.newBuilder()
                .setId(token.id())
                .setWho(token.who())
                .setRole(token.role())
                .setUses(token.uses())
                .addAllUsed(token.used().stream().map(JoinTokenUse::getWho).toList())
                .setExpiresMs(token.expiresMs())
                .setCreatedBy(token.createdBy())
                .build();
    }

    private static EngineAddresses addresses(EnginePeer peer) {
        return EngineAddresses.newBuilder()
                .setId(peer.id())
                .setRaftAddress(peer.raftAddress())
                .setGrpcAddress(peer.grpcAddress())
                .setHttpAddress(peer.httpAddress())
                .build();
    }

    /** Passes a call on to the leader, if that is another engine. */
    private <Q, R> boolean forwarded(Forward<Q, R> call, Q request, StreamObserver<R> responses) {
        var leader = route.elsewhere();
        if (leader == null) {
            return false;
        }
        call.call(
                route.accessStub(leader).withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS),
                request,
                responses);
        return true;
    }

    @FunctionalInterface
    private interface Forward<Q, R> {
        void call(AccessGrpc.AccessStub leader, Q request, StreamObserver<R> responses);
    }

    @FunctionalInterface
    private interface Work<R> {
        CompletableFuture<R> start() throws StatusException;
    }

    private static StatusException refusal(Status status, @Nullable String why) {
        return status.withDescription(why).asException();
    }

    private static <R> void answered(StreamObserver<R> responses, Work<R> work) {
        CompletableFuture<R> reply;
        try {
            reply = work.start();
        } catch (StatusException e) {
            responses.onError(e);
            return;
        }
        Async.whenDone(reply, (response, failure) -> {
            if (failure == null) {
                responses.onNext(response);
                responses.onCompleted();
            } else {
                responses.onError(status(failure));
            }
        });
    }

    private static Throwable status(Throwable failure) {
        if (failure instanceof StatusException || failure instanceof StatusRuntimeException) {
            return failure;
        }
        boolean nothing = failure instanceof ReplicationException.Unavailable
                || (failure instanceof Abandoned abandoned && !abandoned.fateUnknown());
        return nothing
                ? refusal(Status.UNAVAILABLE, "nothing was done: " + failure.getMessage() + "; try again")
                : refusal(Status.UNKNOWN, "it is not known whether it was done: " + failure.getMessage());
    }
}
