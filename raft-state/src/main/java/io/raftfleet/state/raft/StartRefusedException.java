package io.raftfleet.state.raft;

import java.io.IOException;

/**
 * An engine refuses to start, or to go on, and would refuse again, however often it was started: somebody has to do first what the
 * message says. {@code fleet-engine} ends with an exit code of its own for it, which systemd is told not to restart.
 */
public final class StartRefusedException extends IOException {
    private static final long serialVersionUID = 1;

    public StartRefusedException(String message) {
        super(message);
    }

    public StartRefusedException(String message, Throwable cause) {
        super(message, cause);
    }
}
