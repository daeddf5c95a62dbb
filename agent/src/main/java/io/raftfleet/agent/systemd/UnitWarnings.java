package io.raftfleet.agent.systemd;

import io.raftfleet.unit.SafeText;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What systemd itself has logged of a unit that it can't load or start: the file, the line and what is wrong with it stand nowhere
 * else. Asked only of units that something is wrong with, by one {@code journalctl} each, at most {@value #AT_ONCE} at once;
 * beyond {@value #MOST} questions the answer is that nothing is known. Thread-safe.
 */
public final class UnitWarnings {
    private static final Logger LOG = LoggerFactory.getLogger(UnitWarnings.class);
    private static final int AT_ONCE = 2;
    private static final int MOST = 64;
    private static final int LINES = 4;
    private static final int LINE_BYTES = 400;
    private static final int ALL_BYTES = 8192;
    /** The journal takes a moment to have what systemd has sent it. */
    private static final int TRIES = 6;

    private static final Duration PAUSE = Duration.ofMillis(60);
    private static final Duration LIMIT = Duration.ofSeconds(5);

    private final List<String> prefix;
    private final boolean user;
    private final boolean known;
    private final Semaphore questions = new Semaphore(MOST);
    private final Semaphore processes = new Semaphore(AT_ONCE);
    private final Executor threads =
            task -> Thread.ofVirtual().name("systemd-warnings").start(task);

    private UnitWarnings(List<String> prefix, boolean user, boolean known) {
        this.prefix = List.copyOf(prefix);
        this.user = user;
        this.known = known;
    }

    /**
     * From the journal.
     *
     * @param prefix command and arguments that run another command where the units are; empty for here
     * @param user whether the units are a user manager's
     */
    public static UnitWarnings ofJournal(List<String> prefix, boolean user) {
        return new UnitWarnings(prefix, user, true);
    }

    /** Where there is no journal to ask. */
    public static UnitWarnings none() {
        return new UnitWarnings(List.of(), false, false);
    }

    /**
     * The last lines since some second, each once, without the unit's name in front; empty when there are none. Does not fail.
     */
    CompletableFuture<List<String>> of(String unit, Instant since) {
        if (!known || !questions.tryAcquire()) {
            return CompletableFuture.completedFuture(List.of());
        }
        return CompletableFuture.supplyAsync(() -> asked(unit, since), threads)
                .whenComplete((lines, failure) -> questions.release());
    }

    private List<String> asked(String unit, Instant since) {
        try {
            for (int i = 0; i < TRIES; i++) {
                List<String> lines = read(unit, since);
                if (!lines.isEmpty()) {
                    return lines;
                }
                TimeUnit.NANOSECONDS.sleep(PAUSE.toNanos());
            }
        } catch (IOException unreadable) {
            LOG.debug("{}: what systemd logged of it can't be read: {}", unit, unreadable.toString());
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
        return List.of();
    }

    private List<String> read(String unit, Instant since) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of("journalctl", "--quiet", "--no-pager", "--output=cat", "--priority=warning"));
        command.add("--since=@" + since.getEpochSecond());
        // Fields without an underscore may be anybody's.
        command.addAll(List.of("--lines=" + LINES, "_COMM=systemd", (user ? "USER_UNIT=" : "UNIT=") + unit));
        processes.acquire();
        try {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try (InputStream output = process.getInputStream()) {
                process.onExit()
                        .orTimeout(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                        .exceptionally(late -> {
                            process.destroyForcibly();
                            return process;
                        });
                String text = new String(output.readNBytes(ALL_BYTES), StandardCharsets.UTF_8);
                return lines(unit, text);
            } finally {
                process.destroy();
            }
        } finally {
            processes.release();
        }
    }

    /** Lines that say something, each once, in order. */
    static List<String> lines(String unit, String text) {
        Set<String> lines = new LinkedHashSet<>();
        for (String line : text.lines().toList()) {
            String rest = line.strip();
            if (rest.startsWith(unit + ": ")) {
                rest = rest.substring(unit.length() + 2);
            }
            if (!rest.isEmpty() && !rest.startsWith("Unit configuration has fatal error")) {
                lines.remove(rest);
                lines.add(SafeText.cut(rest, LINE_BYTES));
            }
        }
        return List.copyOf(lines);
    }
}
