package io.raftfleet.fleetctl;

/** This client's version, as the build wrote it. */
final class Version {
    private Version() {}

    static String number() {
        return BuildVersion.NUMBER;
    }

    /** As fleet prints it. */
    static String line() {
        return "fleetctl version " + number();
    }
}
