package io.raftfleet.engine.access;

import io.grpc.Context;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who made a call, wherever it came in. Two are equal that are the same somebody, by whatever certificate.
 *
 * @param kind how it is known
 * @param name an engine's id, a machine's id or a user's name, of {@link Kind#LOCAL} on the engine's machine, printable ASCII without
 *     blanks; empty where it is not known, as for {@link Kind#PLAINTEXT}
 * @param role a user's; empty when the certificate has none
 * @param certified when its certificate begins, which tells whether a revocation is of it; {@link Instant#EPOCH} where it has none, or nobody
 *     said
 */
public record Caller(Kind kind, String name, Optional<Role> role, Instant certified) {
    /** How a caller is known. */
    public enum Kind {
        /** By a certificate. */
        ENGINE,
        AGENT,
        USER,
        /** Not: it shows no certificate, and may ask for one; or nothing is done for anybody. */
        STRANGER,
        /** By the unix socket, where the kernel says which user it is, see {@link SocketPeers}. */
        LOCAL,
        /** Not at all: the engine was told to speak plaintext, so that whoever reaches it may everything. */
        PLAINTEXT
    }

    /** Over the unix socket of an engine that does not say which user. */
    public static final Caller LOCAL = new Caller(Kind.LOCAL, "", Optional.of(Role.ADMIN));

    /** Over plaintext. */
    public static final Caller PLAINTEXT = new Caller(Kind.PLAINTEXT, "", Optional.of(Role.ADMIN));

    /** Over TLS, without a certificate. */
    public static final Caller STRANGER = new Caller(Kind.STRANGER, "", Optional.empty());

    /** Longest name that is passed on, in bytes. */
    private static final int MAX_NAME = 100;

    /** Stands for the cluster's id. */
    private static final String HERE = "any";

    private static final Context.Key<Caller> KEY = Context.key("caller");

    /** One whose certificate nobody told of. */
    public Caller(Kind kind, String name, Optional<Role> role) {
        this(kind, name, role, Instant.EPOCH);
    }

    /** The caller of what this thread does; null when it does nothing for anybody. */
    static @Nullable Caller known() {
        return KEY.get();
    }

    /** The caller of what this thread does. Whoever is not known is a stranger: nobody may more because it got lost who they are. */
    public static Caller current() {
        return Objects.requireNonNullElse(KEY.get(), STRANGER);
    }

    /** A context for what is done for this caller. */
    public Context in(Context context) {
        return context.withValue(KEY, this);
    }

    /** A user of the engine's own machine, over the unix socket. What a header can't carry of its name becomes {@code _}. */
    static Caller local(String user) {
        String plain = user.replaceAll("[^!-~]", "_");
        return new Caller(Kind.LOCAL, plain.substring(0, Math.min(plain.length(), MAX_NAME)), LOCAL.role());
    }

    /** By a certificate that was verified. */
    public static Caller of(Identity identity) {
        var kind = switch (identity.id().kind()) {
            case ENGINE -> Kind.ENGINE;
            case AGENT -> Kind.AGENT;
            case USER -> Kind.USER;
        };
        return new Caller(kind, identity.id().name(), identity.role(), identity.began());
    }

    /** Whether it may speak for a machine. */
    public boolean speaksFor(String machineId) {
        return kind == Kind.PLAINTEXT || (kind == Kind.AGENT && name.equals(machineId));
    }

    /** One word for each part, by which an engine passes on who called; at most 160 bytes of printable ASCII. */
    String header() {
        return kind.name().toLowerCase(Locale.ROOT) + " "
                + role.map(Role::label).orElse("-") + " " + name;
    }

    /** The same somebody, by a certificate that begins then. */
    Caller by(Instant certificate) {
        return new Caller(kind, name, role, certificate);
    }

    /** Whom its certificate names; empty for who has none. The cluster is the one that it was believed in. */
    Optional<Identity> identity() {
        return switch (kind) {
            case STRANGER, LOCAL, PLAINTEXT -> Optional.empty();
            case ENGINE, AGENT, USER ->
                Optional.of(new Identity(
                        new SpiffeId(HERE, SpiffeId.Kind.valueOf(kind.name()), name), role, certified, Instant.MAX));
        };
    }

    /** @throws IllegalArgumentException when no engine wrote it */
    static Caller parse(String header) {
        var words = header.split(" ", -1);
        if (words.length != 3) {
            throw new IllegalArgumentException("not three words");
        }
        var kind = Kind.valueOf(words[0].toUpperCase(Locale.ROOT));
        var role = words[1].equals("-")
                ? Optional.<Role>empty()
                : Optional.of(Role.of(words[1]).orElseThrow(() -> new IllegalArgumentException("no such role")));
        return switch (kind) {
            case LOCAL -> local(words[2]);
            case PLAINTEXT -> PLAINTEXT;
            case STRANGER -> STRANGER;
            case ENGINE, AGENT, USER ->
                new Caller(
                        kind,
                        new SpiffeId(HERE, SpiffeId.Kind.valueOf(kind.name()), words[2]).name(),
                        kind == Kind.USER ? role : Optional.empty());
        };
    }

    /** Who it is, as the registry keeps it of whoever changes a unit; at most 256 bytes, empty for a stranger. */
    public String words() {
        return switch (kind) {
            case STRANGER -> "";
            case LOCAL -> name.isEmpty() ? "unix socket" : "local/" + name;
            case PLAINTEXT -> "plaintext";
            case ENGINE, AGENT, USER -> kind.name().toLowerCase(Locale.ROOT) + "/" + name;
        };
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Caller caller
                && kind == caller.kind
                && name.equals(caller.name)
                && role.equals(caller.role);
    }

    @Override
    public int hashCode() {
        return Objects.hash(kind, name, role);
    }

    /** For people. */
    @Override
    public String toString() {
        return switch (kind) {
            case STRANGER -> "somebody without a certificate";
            case LOCAL -> name.isEmpty() ? "whoever is at the unix socket" : "local user " + name;
            case PLAINTEXT -> "somebody over plaintext";
            case ENGINE, AGENT -> kind.name().toLowerCase(Locale.ROOT) + "/" + name;
            case USER -> "user/" + name + role.map(r -> " (" + r.label() + ")").orElse(" (no role)");
        };
    }
}
