package io.raftfleet.agent.systemd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What a process prints. Ends when the process does; closing it ends the process. When the process fails without having
 * printed anything, reading throws what it said on its standard error.
 *
 * <p>One thread reads; any may close.
 */
final class ProcessStream extends InputStream {
    /** How long a process may take to end after it was asked, or after it closed its output, in seconds. */
    private static final int PATIENCE = 2;

    private static final int MAX_COMPLAINT = 4096;

    private final Process process;
    private final String what;
    private final Set<Integer> goodCodes;
    private final Runnable onClose;
    private final InputStream output;
    private final Thread complaining;

    @GuardedBy("complaint")
    private final ByteArrayOutputStream complaint = new ByteArrayOutputStream();

    private final AtomicBoolean closed = new AtomicBoolean();
    private boolean printed;
    private boolean judged;

    /**
     * @param what for messages
     * @param goodCodes exit codes that are no failure
     * @param onClose run once when the stream is closed
     */
    ProcessStream(Process process, String what, Set<Integer> goodCodes, Runnable onClose) throws IOException {
        this.process = process;
        this.what = what;
        this.goodCodes = goodCodes;
        this.onClose = onClose;
        this.output = process.getInputStream();
        process.getOutputStream().close();
        complaining = Thread.ofVirtual().name("stderr of " + what).start(this::readComplaint);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        int count = read(one, 0, 1);
        return count < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        int count;
        try {
            count = output.read(bytes, offset, length);
        } catch (IOException broken) {
            if (closed.get()) {
                return -1;
            }
            throw broken;
        }
        if (count > 0) {
            printed = true;
        } else if (count < 0 && !printed && !judged && !closed.get()) {
            judged = true;
            judge();
        }
        return count;
    }

    @Override
    public int available() throws IOException {
        return output.available();
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
            if (!process.waitFor(PATIENCE, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        } catch (InterruptedException hurried) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        } finally {
            onClose.run();
        }
    }

    private void judge() throws IOException {
        try {
            if (!process.waitFor(PATIENCE, TimeUnit.SECONDS) || goodCodes.contains(process.exitValue())) {
                return;
            }
            complaining.join(TimeUnit.SECONDS.toMillis(PATIENCE));
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
            return;
        }
        String said;
        synchronized (complaint) {
            said = complaint.toString(StandardCharsets.UTF_8).strip();
        }
        throw new IOException(
                what + " failed with exit code " + process.exitValue() + (said.isEmpty() ? "" : ": " + said));
    }

    private void readComplaint() {
        byte[] buffer = new byte[512];
        try (InputStream error = process.getErrorStream()) {
            for (int count = error.read(buffer); count >= 0; count = error.read(buffer)) {
                synchronized (complaint) {
                    complaint.write(buffer, 0, Math.min(count, MAX_COMPLAINT - complaint.size()));
                }
            }
        } catch (IOException ended) {
            // The process is gone; what it said until then is kept.
        }
    }
}
