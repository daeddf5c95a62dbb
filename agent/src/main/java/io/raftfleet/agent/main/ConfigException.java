package io.raftfleet.agent.main;

/** A configuration that can't be used; the message names the source, the name, what is wrong and what to do. */
final class ConfigException extends Exception {
    private static final long serialVersionUID = 1;

    ConfigException(String message) {
        super(message);
    }

    ConfigException(String message, Throwable cause) {
        super(message, cause);
    }
}
