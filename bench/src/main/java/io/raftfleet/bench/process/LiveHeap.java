package io.raftfleet.bench.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** What the objects in use take of a Java process' heap. */
public final class LiveHeap {
    /** The last line of a class histogram: instances, bytes. */
    private static final Pattern TOTAL = Pattern.compile("(?m)^Total\\s+\\d+\\s+(\\d+)\\s*$");

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private LiveHeap() {}

    /**
     * Has the process collect its whole heap, for which it stands still, and counts what is left, in bytes.
     *
     * @throws IOException when there is no such process, it does not answer within two minutes, or this Java has no {@code jcmd}
     */
    public static long of(long pid) throws IOException, InterruptedException {
        var jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        // Not a pipe: a process that is to be read by itself stands still while it writes.
        var histogram = Files.createTempFile("histogram", ".txt");
        try {
            var process = new ProcessBuilder(jcmd.toString(), Long.toString(pid), "GC.class_histogram")
                    .redirectErrorStream(true)
                    .redirectOutput(histogram.toFile())
                    .start();
            process.getOutputStream().close();
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(
                        "process " + pid + " told nothing of its heap within " + PATIENCE.toSeconds() + " s");
            }
            return total(Files.readString(histogram));
        } finally {
            Files.delete(histogram);
        }
    }

    static long total(String histogram) throws IOException {
        var total = TOTAL.matcher(histogram);
        if (!total.find()) {
            throw new IOException(
                    "no class histogram: " + histogram.lines().limit(5).toList());
        }
        return Long.parseLong(total.group(1));
    }
}
