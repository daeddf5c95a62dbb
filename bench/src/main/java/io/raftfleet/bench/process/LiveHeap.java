package io.raftfleet.bench.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** What the objects in use take of a Java process' heap. */
public final class LiveHeap {
    /** The last line of a class histogram: instances, bytes. */
    private static final Pattern TOTAL = Pattern.compile("(?m)^Total\\s+\\d+\\s+(\\d+)\\s*$");

    private LiveHeap() {}

    /**
     * Has the process collect its whole heap, for which it stands still, and counts what is left, in bytes.
     *
     * @throws IOException when there is no such process, or this Java has no {@code jcmd}
     */
    public static long of(long pid) throws IOException {
        var jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        var process = new ProcessBuilder(jcmd.toString(), Long.toString(pid), "GC.class_histogram")
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        return total(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
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
