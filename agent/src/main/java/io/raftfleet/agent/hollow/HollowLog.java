package io.raftfleet.agent.hollow;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * What happened on a hollow machine, the last {@value #KEPT} events of all its units. Safe for use by any thread; the events
 * are guarded by this.
 */
final class HollowLog {
    private static final int KEPT = 64;
    private static final int MAX_BEHIND = 1024;
    /** An empty line, which no event has, ends what a follower reads. */
    private static final byte[] END = new byte[0];

    private record Event(Instant at, String unit, int pid, String what) {
        byte[] line() {
            return (at + " hollow " + unit + "[" + pid + "]: " + what + "\n").getBytes(StandardCharsets.UTF_8);
        }
    }

    private final Clock clock;

    @GuardedBy("this")
    private final ArrayDeque<Event> events = new ArrayDeque<>();

    private final List<Follower> followers = new CopyOnWriteArrayList<>();

    HollowLog(Clock clock) {
        this.clock = clock;
    }

    synchronized void add(String unit, int pid, String what) {
        Event event = new Event(clock.instant(), unit, pid, what);
        if (events.size() == KEPT) {
            events.removeFirst();
        }
        events.addLast(event);
        for (Follower follower : followers) {
            if (follower.unit.equals(unit)) {
                follower.lines.offer(event.line());
            }
        }
    }

    synchronized InputStream read(String unit, int lines, boolean follow) {
        List<Event> matching = new ArrayList<>();
        for (Event event : events) {
            if (event.unit.equals(unit)) {
                matching.add(event);
            }
        }
        Follower follower = new Follower(unit);
        matching.subList(Math.max(0, matching.size() - Math.max(0, lines)), matching.size())
                .forEach(event -> follower.lines.offer(event.line()));
        if (follow) {
            followers.add(follower);
        } else {
            follower.lines.offer(END);
        }
        return follower;
    }

    /** Lines as they come. A reader that falls more than {@value #MAX_BEHIND} lines behind misses some. */
    private final class Follower extends InputStream {
        private final String unit;
        private final ArrayBlockingQueue<byte[]> lines = new ArrayBlockingQueue<>(MAX_BEHIND);
        private byte @Nullable [] line;
        private int at;

        Follower(String unit) {
            this.unit = unit;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int from, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            byte[] current = line;
            try {
                while (current == null || (current.length > 0 && at == current.length)) {
                    current = lines.take();
                    at = 0;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while waiting for log lines", e);
            }
            line = current;
            if (current.length == 0) {
                return -1;
            }
            int count = Math.min(length, current.length - at);
            System.arraycopy(current, at, buffer, from, count);
            at += count;
            return count;
        }

        @Override
        public void close() {
            followers.remove(this);
            lines.clear();
            lines.offer(END);
        }
    }
}
