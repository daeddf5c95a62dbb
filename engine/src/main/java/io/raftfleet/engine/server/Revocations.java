package io.raftfleet.engine.server;

import io.raftfleet.identity.Identity;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.proto.model.PrincipalKind;
import io.raftfleet.state.Registry;
import io.raftfleet.state.Revoked;
import io.raftfleet.unit.tasks.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Whose certificates the cluster has revoked, as this engine has applied it: read from the registry every few seconds, so that a
 * handshake waits for nothing. Thread-safe: an immutable map, replaced.
 */
final class Revocations implements TlsIdentity.Objection {
    /** How old what it goes by may be. */
    static final Duration EVERY = Duration.ofSeconds(5);

    private final Registry registry;
    private volatile Map<Principal, Long> beforeMs = Map.of();

    Revocations(Registry registry) {
        this.registry = registry;
    }

    void start(Ticker ticker) {
        refresh();
        ticker.every(EVERY, this::refresh);
    }

    /** Goes by what is applied now. */
    void refresh() {
        beforeMs = registry.read(
                view -> view.revoked().stream().collect(Collectors.toUnmodifiableMap(Revoked::who, Revoked::beforeMs)));
    }

    @Override
    public @Nullable String to(Identity peer, Instant began) {
        Long before = beforeMs.get(principal(peer.id()));
        return before == null || began.toEpochMilli() >= before
                ? null
                : "it was revoked at " + Instant.ofEpochMilli(before) + ": it joins again with a new token";
    }

    static Principal principal(SpiffeId id) {
        return Principal.newBuilder()
                .setKind(
                        switch (id.kind()) {
                            case ENGINE -> PrincipalKind.PRINCIPAL_KIND_ENGINE;
                            case AGENT -> PrincipalKind.PRINCIPAL_KIND_AGENT;
                            case USER -> PrincipalKind.PRINCIPAL_KIND_USER;
                        })
                .setName(id.name())
                .build();
    }
}
