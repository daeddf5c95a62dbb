package io.raftfleet.settings;

/** A configuration that can't be used; the message names the source, the name, what is wrong and what to do. */
public final class SettingsException extends Exception {
    private static final long serialVersionUID = 1;

    public SettingsException(String message) {
        super(message);
    }

    public SettingsException(String message, Throwable cause) {
        super(message, cause);
    }
}
