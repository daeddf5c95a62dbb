package io.raftfleet.settings;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Ends a daemon that does little but collect garbage. With a heap that is almost full a Java machine may go on like that for ever:
 * it answers nobody, and an {@code OutOfMemoryError}, which would end it, never comes, since each collection frees a little. Whoever
 * started the daemon starts it again.
 *
 * <p>{@link #look} is called by the watching thread alone, and takes nothing from the heap.
 */
public final class CollectionWatch {
    /** The process' exit code. */
    public static final int EXIT_CODE = 11;

    static final Duration WINDOW = Duration.ofSeconds(30);
    private static final int LIMIT_PERCENT = 80;
    private static final Duration EVERY = Duration.ofSeconds(1);
    private static final int KEPT = 64;

    /** When it looked, and what collections had taken by then, in nanoseconds; a ring. */
    private final long[] looks = new long[KEPT];

    private final long[] taken = new long[KEPT];
    private int count;

    CollectionWatch() {}

    /**
     * Watches this process from now on.
     *
     * @param daemon for people: who ends
     */
    public static void start(String daemon) {
        // Cycles of concurrent collectors take time beside the program, not from it.
        List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans().stream()
                .filter(collector -> !collector.getName().endsWith("Cycles"))
                .toList();
        String heap = (Runtime.getRuntime().maxMemory() >> 20) + " MiB";
        String complaint = daemon + ": more than " + LIMIT_PERCENT + " % of the last " + WINDOW.toSeconds()
                + " s went into garbage collections: its heap of " + heap
                + " is too small for what it has to do. It ends, to be started again; give it more memory.";
        Thread.ofPlatform().daemon().name("collection-watch").start(() -> {
            var watch = new CollectionWatch();
            while (true) {
                LockSupport.parkNanos(EVERY.toNanos());
                long millis = 0;
                for (int i = 0; i < collectors.size(); i++) {
                    millis += Math.max(0, collectors.get(i).getCollectionTime());
                }
                if (watch.look(System.nanoTime(), millis * 1_000_000)) {
                    System.err.println(complaint);
                    Runtime.getRuntime().halt(EXIT_CODE);
                }
            }
        });
    }

    /**
     * Looks once, about every second.
     *
     * @param now monotonic time in nanoseconds
     * @param collecting what collections have taken since the start, in nanoseconds
     * @return whether they took most of the window that ends now
     */
    boolean look(long now, long collecting) {
        looks[count % KEPT] = now;
        taken[count % KEPT] = collecting;
        count++;
        // The latest look that is a window ago: looks come late when collections are long.
        for (int i = 2; i <= Math.min(count, KEPT); i++) {
            int then = (count - i) % KEPT;
            long passed = now - looks[then];
            if (passed >= WINDOW.toNanos()) {
                return (collecting - taken[then]) > passed / 100 * LIMIT_PERCENT;
            }
        }
        return false;
    }
}
