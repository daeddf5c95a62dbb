package io.raftfleet.fleetctl;

import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/** Where results go: remembers what a print stream keeps to itself, that they could not be written. Confined to one thread at a time. */
final class Results extends OutputStream {
    /** How the system says that whoever read has had enough, as {@code head} has. */
    private static final String CLOSED_PIPE = "Broken pipe";

    private final OutputStream to;
    private @Nullable IOException failure;

    Results(OutputStream to) {
        this.to = to;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
        try {
            to.write(bytes, from, length);
        } catch (IOException e) {
            failure = failure == null ? e : failure;
            throw e;
        }
    }

    /**
     * Why some of it is lost.
     *
     * @return empty when none is, or nobody wants the rest of it
     */
    String lost() {
        IOException e = failure;
        String why = e == null ? "" : String.valueOf(e.getMessage());
        return why.contains(CLOSED_PIPE) ? "" : why;
    }
}
