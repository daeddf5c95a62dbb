package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.ca.OwnKey;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.AuthorityRequest;
import io.raftfleet.proto.cluster.AuthorityResponse;
import io.raftfleet.proto.cluster.CreateLoginRequest;
import io.raftfleet.proto.cluster.CreateLoginResponse;
import io.raftfleet.proto.cluster.CreateTokenRequest;
import io.raftfleet.proto.cluster.CreateTokenResponse;
import io.raftfleet.proto.cluster.JoinRequest;
import io.raftfleet.proto.cluster.JoinResponse;
import io.raftfleet.proto.cluster.JoinToken;
import io.raftfleet.proto.cluster.ListRevokedRequest;
import io.raftfleet.proto.cluster.ListRevokedResponse;
import io.raftfleet.proto.cluster.ListTokensRequest;
import io.raftfleet.proto.cluster.ListTokensResponse;
import io.raftfleet.proto.cluster.RemoveTokenRequest;
import io.raftfleet.proto.cluster.RemoveTokenResponse;
import io.raftfleet.proto.cluster.Revocation;
import io.raftfleet.proto.cluster.RevokeRequest;
import io.raftfleet.proto.cluster.RevokeResponse;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Who belongs to a cluster in memory: one token, {@code t1}, which is there, and one, {@code lost}, that is gone once it was said that nobody knows. */
final class InMemoryAccess extends AccessGrpc.AccessImplBase {
    private final @Nullable CertificateAuthority authority;
    private volatile boolean answerLost;

    /** @param authority issues certificates to whoever asks; null where nobody does */
    InMemoryAccess(@Nullable CertificateAuthority authority) {
        this.authority = authority;
    }

    @Override
    public void createToken(CreateTokenRequest request, StreamObserver<CreateTokenResponse> responses) {
        if (request.getUses() < 1 || request.getRole().equals("king")) {
            responses.onError(
                    Status.INVALID_ARGUMENT.withDescription("no such token").asRuntimeException());
            return;
        }
        responses.onNext(CreateTokenResponse.newBuilder()
                .setToken("raftfleet-token-1.x.y")
                .build());
        responses.onCompleted();
    }

    @Override
    public void listTokens(ListTokensRequest request, StreamObserver<ListTokensResponse> responses) {
        responses.onNext(ListTokensResponse.newBuilder()
                .addTokens(JoinToken.newBuilder().setId("t1").setUses(1))
                .build());
        responses.onCompleted();
    }

    @Override
    public void removeToken(RemoveTokenRequest request, StreamObserver<RemoveTokenResponse> responses) {
        if (request.getId().equals("lost") && !answerLost) {
            answerLost = true;
            responses.onError(Status.UNKNOWN
                    .withDescription("it is not known whether it was done")
                    .asRuntimeException());
            return;
        }
        if (!request.getId().equals("t1")) {
            responses.onError(Status.NOT_FOUND
                    .withDescription("the cluster has no such token")
                    .asRuntimeException());
            return;
        }
        responses.onNext(RemoveTokenResponse.getDefaultInstance());
        responses.onCompleted();
    }

    @Override
    public void revoke(RevokeRequest request, StreamObserver<RevokeResponse> responses) {
        if (request.getWho().getName().equals("me")) {
            responses.onError(Status.FAILED_PRECONDITION
                    .withDescription("that is who calls")
                    .asRuntimeException());
            return;
        }
        responses.onNext(RevokeResponse.newBuilder()
                .setRevocation(Revocation.newBuilder().setWho(request.getWho()).setBeforeMs(1))
                .addRemovedTokens(JoinToken.newBuilder()
                        .setId("t1")
                        .setUses(20)
                        .setCreatedBy("user/root (admin)")
                        .addUsed(request.getWho()))
                .build());
        responses.onCompleted();
    }

    @Override
    public void listRevoked(ListRevokedRequest request, StreamObserver<ListRevokedResponse> responses) {
        responses.onNext(ListRevokedResponse.getDefaultInstance());
        responses.onCompleted();
    }

    @Override
    public void createLogin(CreateLoginRequest request, StreamObserver<CreateLoginResponse> responses) {
        var response = CreateLoginResponse.newBuilder().setEngineId("e1").setHttpAddress("10.0.0.1:14101");
        if (authority != null) {
            response.setTls(true)
                    .setSecret("0123456789abcdef0123456789abcdef")
                    .setValidMs(300_000)
                    .setCertificateDigest(ByteString.fromHex("0aff"));
        }
        responses.onNext(response.build());
        responses.onCompleted();
    }

    @Override
    public void authority(AuthorityRequest request, StreamObserver<AuthorityResponse> responses) {
        responses.onNext(AuthorityResponse.newBuilder()
                .setCertificate(ca().certificate())
                .build());
        responses.onCompleted();
    }

    @Override
    public void join(JoinRequest request, StreamObserver<JoinResponse> responses) {
        if (!request.getTokenId().equals("t1")) {
            responses.onError(
                    Status.UNAUTHENTICATED.withDescription("the token won't do").asRuntimeException());
            return;
        }
        try {
            responses.onNext(JoinResponse.newBuilder()
                    .setAuthority(ca().certificate())
                    .setCertificate(ca().issue(
                                    OwnKey.requested(request.getSigningRequest().toByteArray()),
                                    SpiffeId.Kind.USER,
                                    request.getWho().getName(),
                                    Optional.of(Role.VIEWER),
                                    List.of(),
                                    Instant.now().minusSeconds(60),
                                    Instant.now().plusSeconds(600)))
                    .build());
            responses.onCompleted();
        } catch (IOException e) {
            responses.onError(
                    Status.INVALID_ARGUMENT.withDescription(e.getMessage()).asRuntimeException());
        }
    }

    private CertificateAuthority ca() {
        if (authority == null) {
            throw Status.FAILED_PRECONDITION.withDescription("no authority").asRuntimeException();
        }
        return authority;
    }
}
