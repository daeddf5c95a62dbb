package io.raftfleet.settings;

/** The programs that settings are for. They may share one file, so each accepts the other's names. */
public enum Daemon {
    ENGINE("fleet-engine"),
    AGENT("fleet-agent");

    private final String program;

    Daemon(String program) {
        this.program = program;
    }

    /** As it is started, and as its messages begin. */
    public String program() {
        return program;
    }
}
