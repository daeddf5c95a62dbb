package io.raftfleet.settings;

/** The programs that settings are for. They may share one file, so each accepts the other's names. */
public enum Daemon {
    ENGINE("fleet-engine", "engine.conf"),
    AGENT("fleet-agent", "agent.conf");

    private final String program;
    private final String file;

    Daemon(String program, String file) {
        this.program = program;
        this.file = file;
    }

    /** Name of the file with settings for it alone. */
    String file() {
        return file;
    }

    /** As it is started, and as its messages begin. */
    public String program() {
        return program;
    }
}
