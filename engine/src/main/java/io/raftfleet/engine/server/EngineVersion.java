package io.raftfleet.engine.server;

import java.util.Objects;
import picocli.CommandLine.IVersionProvider;

/** The version of this build, as its jar says. */
final class EngineVersion implements IVersionProvider {
    static String current() {
        return Objects.requireNonNullElse(EngineVersion.class.getPackage().getImplementationVersion(), "development");
    }

    @Override
    public String[] getVersion() {
        return new String[] {"fleet-engine " + current()};
    }
}
