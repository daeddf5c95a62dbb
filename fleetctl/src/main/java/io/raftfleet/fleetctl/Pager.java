package io.raftfleet.fleetctl;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Puts output that is longer than a screen through a pager, as git and systemctl do. Up to {@value #SHORT} lines are held back, so
 * that what fits on any screen costs no process; whether more than these fit, the pager knows ({@code less -F}). What is said on
 * standard error goes the same way once the pager has the screen. A pager that is left early is no error: the rest goes nowhere.
 *
 * <p>Used by one thread, except that {@link #atExit} waits for the pager when the process is interrupted: the terminal is the pager's
 * until that ends.
 */
final class Pager implements AutoCloseable {
    /** Lines that fit on the smallest screens. */
    private static final int SHORT = 20;
    /** And bytes, for long lines. */
    private static final int SHORT_BYTES = 1_600;

    private static final String USUAL = "less";
    private static final String NONE = "cat";
    /** Ends at the end of what fits on one screen, shows colours, leaves the screen as it is. */
    private static final String USUAL_FLAGS = "FRX";

    private final Terminal real;
    private final ProcessBuilder command;
    private final Thread atExit = new Thread(this::awaitEnd, "pager");
    private final ByteArrayOutputStream held = new ByteArrayOutputStream();
    private int lines;
    private boolean direct;
    private volatile @Nullable Process process;
    private OutputStream target = OutputStream.nullOutputStream();

    private Pager(Terminal real, ProcessBuilder command) {
        this.real = real;
        this.command = command;
    }

    /** A pager for this terminal; empty where none is wanted, or there is none. */
    static Optional<Pager> of(Terminal terminal, boolean unwanted) {
        if (!terminal.screen() || unwanted) {
            return Optional.empty();
        }
        Map<String, String> environment = terminal.environment();
        String wanted = environment
                .getOrDefault("FLEETCTL_PAGER", environment.getOrDefault("PAGER", USUAL))
                .strip();
        if (wanted.isEmpty() || wanted.equals(NONE) || !isThere(wanted.split("\\s+", 2)[0], environment)) {
            return Optional.empty();
        }
        var command = new ProcessBuilder("sh", "-c", wanted)
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        command.environment().putIfAbsent("LESS", USUAL_FLAGS);
        return Optional.of(new Pager(terminal, command));
    }

    private static boolean isThere(String program, Map<String, String> environment) {
        if (program.indexOf('/') >= 0) {
            return Files.isExecutable(Path.of(program));
        }
        for (String folder : environment.getOrDefault("PATH", "").split(":", -1)) {
            if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }

    /** The terminal as a command is to use it. */
    Terminal terminal() {
        return real.with(
                new PrintStream(new Results(), false, StandardCharsets.UTF_8),
                new PrintStream(new Errors(), false, StandardCharsets.UTF_8));
    }

    /** Shows what is left, and waits until the person has read it. */
    @Override
    public void close() {
        if (process == null) {
            direct();
            return;
        }
        try {
            target.close();
        } catch (IOException e) {
            // It was left before the end.
        }
        awaitEnd();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // It runs already.
        }
    }

    /** As long as the person reads. */
    private void awaitEnd() {
        Process reading = process;
        if (reading == null) {
            return;
        }
        try {
            reading.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** From now on without a pager. */
    private void direct() {
        if (!direct && process == null) {
            direct = true;
            real.out().write(held.toByteArray(), 0, held.size());
            real.out().flush();
            held.reset();
        }
    }

    /** From now on through the pager. */
    private void begin() throws IOException {
        real.out().flush();
        try {
            Process started = command.start();
            process = started;
            Runtime.getRuntime().addShutdownHook(atExit);
            target = new BufferedOutputStream(started.getOutputStream());
        } catch (IOException e) {
            direct();
            return;
        }
        held.writeTo(target);
        held.reset();
    }

    private void write(byte[] bytes, int from, int count) throws IOException {
        if (direct) {
            real.out().write(bytes, from, count);
            return;
        }
        if (process != null) {
            target.write(bytes, from, count);
            return;
        }
        held.write(bytes, from, count);
        for (int i = from; i < from + count; i++) {
            lines += bytes[i] == '\n' ? 1 : 0;
        }
        if (lines > SHORT || held.size() > SHORT_BYTES) {
            begin();
        }
    }

    private final class Results extends OutputStream {
        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            Pager.this.write(bytes, from, count);
        }

        @Override
        public void flush() throws IOException {
            if (direct) {
                real.out().flush();
            } else if (process != null) {
                target.flush();
            }
        }
    }

    /** In order with the results: a pager that has the screen shows them, too. */
    private final class Errors extends OutputStream {
        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) throws IOException {
            if (process != null && real.interactive()) {
                target.write(bytes, from, count);
                return;
            }
            direct();
            real.err().write(bytes, from, count);
        }

        @Override
        public void flush() {
            real.err().flush();
        }
    }
}
