package io.raftfleet.agent.main;

import picocli.CommandLine.IVersionProvider;

/** The agent's version, as its jar says. */
final class VersionProvider implements IVersionProvider {
    /** "dev" when it does not run from its jar. */
    static String version() {
        String version = VersionProvider.class.getPackage().getImplementationVersion();
        return version == null ? "dev" : version;
    }

    @Override
    public String[] getVersion() {
        return new String[] {"fleet-agent " + version()};
    }
}
