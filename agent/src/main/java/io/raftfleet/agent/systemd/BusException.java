package io.raftfleet.agent.systemd;

/** A D-Bus call that was answered with an error, was not answered in time, or could not be made. */
final class BusException extends Exception {
    private static final long serialVersionUID = 1;

    /** The D-Bus name of systemd's error for a unit that is not loaded and has no file. */
    static final String NO_SUCH_UNIT = "org.freedesktop.systemd1.NoSuchUnit";

    /** The name of errors made on this side: the connection is lost, or an answer is late. */
    static final String NO_CONNECTION = "io.raftfleet.NoConnection";

    private final String name;

    BusException(String name, String message) {
        super(message);
        this.name = name;
    }

    /** The D-Bus error name. */
    String name() {
        return name;
    }

    boolean isNoSuchUnit() {
        return name.equals(NO_SUCH_UNIT);
    }

    /** Whether the call's fate is unknown: it may have been carried out. */
    boolean isFateUnknown() {
        return name.equals(NO_CONNECTION);
    }
}
