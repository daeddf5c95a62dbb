package io.raftfleet.fleetctl;

/** fleet's {@code --sign}, which did nothing any more in its version 1.0: taken, and told that it does nothing. */
final class SignOption {
    boolean sign;

    void tell(Session session) {
        if (sign) {
            session.err("WARNING: --sign does nothing: units are not signed. Leave it out.");
        }
    }

    /** Adds them. */
    void describe(Syntax syntax) {
        syntax.add(Syntax.yesOrNo(given -> sign = given, "--sign").hidden(true));
    }
}
