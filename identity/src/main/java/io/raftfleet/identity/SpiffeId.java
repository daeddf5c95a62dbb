package io.raftfleet.identity;

import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A name as certificates carry it, {@code spiffe://<cluster id>/engine/<id>}, {@code .../agent/<machine id>} or
 * {@code .../user/<name>}, in one URI among the subject's alternative names; see the SPIFFE-ID and X509-SVID standards.
 *
 * @param cluster SPIFFE's trust domain: the cluster's id, or whatever its certificates' issuer calls it; lower case, at most 255 bytes
 * @param kind what it is
 * @param name an engine's id, a machine's id, or a user's name; at most {@value #MAX_NAME} bytes
 */
public record SpiffeId(String cluster, Kind kind, String name) {
    /** Longest name, in bytes. */
    public static final int MAX_NAME = 128;

    private static final String SCHEME = "spiffe://";
    private static final Pattern CLUSTER = Pattern.compile("[a-z0-9._-]{1,255}");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1," + MAX_NAME + "}");

    /** What a name belongs to. */
    public enum Kind {
        ENGINE,
        AGENT,
        USER;

        /** As the id has it. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** @throws IllegalArgumentException when a part can't stand in an id, saying which */
    public SpiffeId {
        if (!CLUSTER.matcher(cluster).matches()) {
            throw new IllegalArgumentException("\"" + cluster
                    + "\" can't name a cluster in a certificate: it has lower-case letters, digits, dots,"
                    + " dashes and underscores, 255 at most");
        }
        if (!NAME.matcher(name).matches() || name.equals(".") || name.equals("..")) {
            throw new IllegalArgumentException("\"" + name + "\" can't be the name of an " + kind.label()
                    + " in a certificate: it has letters, digits, dots, dashes and underscores, " + MAX_NAME
                    + " at most");
        }
    }

    /** @throws IllegalArgumentException when {@code uri} is no such id */
    public static SpiffeId parse(String uri) {
        String[] parts = uri.startsWith(SCHEME) ? uri.substring(SCHEME.length()).split("/", -1) : new String[0];
        if (parts.length == 3) {
            var kind = Arrays.stream(Kind.values())
                    .filter(k -> k.label().equals(parts[1]))
                    .findFirst();
            if (kind.isPresent()) {
                return new SpiffeId(parts[0], kind.get(), parts[2]);
            }
        }
        throw new IllegalArgumentException("\"" + uri + "\" is not spiffe://CLUSTER/engine/ID, spiffe://CLUSTER/agent/"
                + "MACHINE_ID or spiffe://CLUSTER/user/NAME");
    }

    @Override
    public String toString() {
        return SCHEME + cluster + "/" + kind.label() + "/" + name;
    }
}
