package io.raftfleet.chaos.history;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes a history while it happens. Any thread adds; one thread of its own writes. At most {@value #QUEUE} events wait; whoever
 * adds one more waits for room, and fails after {@value #PATIENCE_SECONDS} s, for a history with holes proves nothing.
 */
public final class Recorder implements AutoCloseable {
    private static final int QUEUE = 1 << 16;
    private static final int PATIENCE_SECONDS = 30;

    private final JsonMapper json = JsonMapper.builder().build();
    private final ArrayBlockingQueue<Event> queue = new ArrayBlockingQueue<>(QUEUE);
    private final AtomicLong operations = new AtomicLong();
    private final long origin = System.nanoTime();
    private final Path file;
    private final Thread writer;
    private volatile boolean closing;
    private volatile @Nullable IOException failure;

    public Recorder(Path file) {
        this.file = file;
        this.writer = Thread.ofPlatform().name("history").daemon().start(this::write);
    }

    /** Nanoseconds since the history began. */
    public long now() {
        return System.nanoTime() - origin;
    }

    /** The same for a moment of the machine's monotonic clock, in its nanoseconds. */
    public long at(long monotonicNanos) {
        return monotonicNanos - origin;
    }

    /** A number for an operation. */
    public long nextOp() {
        return operations.incrementAndGet();
    }

    /** How many operations have been numbered. */
    public long ops() {
        return operations.get();
    }

    /** Appends an event. */
    public void add(Event event) {
        try {
            if (failure != null || !queue.offer(event, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException(
                        "the history " + file + " can't be written: look whether its disk is full" + " or slow",
                        failure);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while adding to the history", e);
        }
    }

    private void write() {
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            while (true) {
                var event = queue.poll(100, TimeUnit.MILLISECONDS);
                if (event != null) {
                    out.write(json.writeValueAsString(event));
                    out.write('\n');
                } else if (closing) {
                    return;
                } else {
                    out.flush();
                }
            }
        } catch (IOException e) {
            failure = e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Writes what waits, and ends. */
    @Override
    public void close() {
        closing = true;
        try {
            writer.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        var failed = failure;
        if (failed != null) {
            throw new UncheckedIOException("the history " + file + " is incomplete", failed);
        }
    }
}
