package io.raftfleet.fleetctl;

/** What the build knows. A constant, since reading a file of the jar would take longer than all else that {@code version} does. */
final class BuildVersion {
    static final String NUMBER = "${project.version}";

    private BuildVersion() {}
}
