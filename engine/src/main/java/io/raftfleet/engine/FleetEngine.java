package io.raftfleet.engine;

import io.raftfleet.engine.server.EngineMain;

/** The {@code fleet-engine} daemon. */
public final class FleetEngine {
    private FleetEngine() {}

    public static void main(String[] args) {
        System.exit(EngineMain.run(args));
    }
}
