package io.raftfleet.fleetctl;

import picocli.CommandLine.Option;

/** fleet's {@code --sign}, which did nothing any more in its version 1.0: taken, and told that it does nothing. */
final class SignOption {
    @Option(names = "--sign", arity = "0..1", fallbackValue = "true", hidden = true)
    boolean sign;

    void tell(Session session) {
        if (sign) {
            session.err("WARNING: --sign does nothing: units are not signed. Leave it out.");
        }
    }
}
