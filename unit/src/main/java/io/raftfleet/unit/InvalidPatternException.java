package io.raftfleet.unit;

/** A glob pattern is malformed: Go's {@code path.ErrBadPattern}, with the reason. */
public final class InvalidPatternException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String pattern;

    InvalidPatternException(String pattern, String reason) {
        super("pattern " + Text.quote(pattern) + ": " + reason);
        this.pattern = pattern;
    }

    /** The malformed pattern. */
    public String pattern() {
        return pattern;
    }
}
