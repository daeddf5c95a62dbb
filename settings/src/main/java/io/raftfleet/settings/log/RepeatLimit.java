package io.raftfleet.settings.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;

/**
 * Keeps lines of one kind from filling the disk: what a stranger can make a daemon, or a library in it, say once, it can make it say
 * without end. A kind is a logger, a level and the beginning of the text, as it is before its arguments are put in. Of each,
 * {@value #AT_ONCE} lines are written at once, and {@value #PER_SECOND} a second from then on; a line with a stack trace counts as
 * {@value #TRACE}. The next that is written is preceded by how many were left out. Lines below INFO are there because somebody asked
 * for them, and are not counted.
 *
 * <p>Libraries that speak of every try, as Ratis and jetcd do while an engine is cut off, have {@value #LIBRARY_AT_ONCE} lines of a kind
 * and one a minute from then on: the first ones say what is wrong, and the rest would bury it.
 *
 * <p>Its own monitor guards what changes. It logs outside of it.
 */
public final class RepeatLimit extends TurboFilter {
    static final int AT_ONCE = 5_000;
    static final int PER_SECOND = 2;
    static final int TRACE = 100;
    static final int LIBRARY_AT_ONCE = 20;
    /** Some libraries put everything into the text, so that each line is a kind of its own: the rest share one allowance a level. */
    static final int KINDS = 512;

    static final String LEFT_OUT = "{} lines like the next one were left out: there were too many at once";
    private static final int BEGINNING = 24;
    private static final Rate OWN = new Rate(AT_ONCE, (double) TimeUnit.SECONDS.toNanos(1) / PER_SECOND, TRACE);
    private static final Rate LIBRARY = new Rate(LIBRARY_AT_ONCE, TimeUnit.MINUTES.toNanos(1), 2);

    private final LongSupplier nanoTime;

    @GuardedBy("this")
    private final Map<Kind, Allowance> allowances = new HashMap<>();

    private record Kind(String logger, int level, String beginning) {}

    /**
     * How much of a kind is written.
     *
     * @param atOnce lines
     * @param nanosPerLine how long it takes until one more may be written
     * @param trace how many lines one with a stack trace counts
     */
    private record Rate(int atOnce, double nanosPerLine, int trace) {
        static Rate of(String logger) {
            return logger.startsWith("org.apache.ratis.") || logger.startsWith("io.etcd.") ? LIBRARY : OWN;
        }
    }

    private static final class Allowance {
        private final Rate rate;
        private double lines;
        private long at;
        private long leftOut;

        Allowance(Rate rate, long now) {
            this.rate = rate;
            lines = rate.atOnce;
            at = now;
        }

        double linesAt(long now) {
            return Math.min(rate.atOnce, lines + (now - at) / rate.nanosPerLine);
        }

        boolean full(long now) {
            return linesAt(now) >= rate.atOnce;
        }
    }

    /** As {@code logback.xml} makes it. */
    public RepeatLimit() {
        this(System::nanoTime);
    }

    RepeatLimit(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    @Override
    public FilterReply decide(
            @Nullable Marker marker,
            Logger logger,
            Level level,
            @Nullable String format,
            Object @Nullable [] arguments,
            @Nullable Throwable thrown) {
        boolean asked = format == null && thrown == null;
        if (asked
                || level.levelInt < Level.INFO_INT
                || level.levelInt < logger.getEffectiveLevel().levelInt
                || LEFT_OUT.equals(format)) {
            return FilterReply.NEUTRAL;
        }
        String text = format == null ? "" : format;
        var kind = new Kind(logger.getName(), level.levelInt, text.substring(0, Math.min(BEGINNING, text.length())));
        long leftOut = take(kind, thrown != null || endsWithThrown(arguments));
        if (leftOut > 0) {
            logger.log(
                    null,
                    RepeatLimit.class.getName(),
                    Level.toLocationAwareLoggerInteger(level),
                    LEFT_OUT,
                    new Object[] {leftOut},
                    null);
        }
        return leftOut < 0 ? FilterReply.DENY : FilterReply.NEUTRAL;
    }

    /** How many were left out before this one, which is written; negative when it is not. */
    private synchronized long take(Kind kind, boolean trace) {
        long now = nanoTime.getAsLong();
        var allowance = allowance(kind, now);
        int lines = trace ? allowance.rate.trace : 1;
        allowance.lines = allowance.linesAt(now);
        allowance.at = now;
        if (allowance.lines < lines) {
            allowance.leftOut++;
            return -1;
        }
        allowance.lines -= lines;
        long leftOut = allowance.leftOut;
        allowance.leftOut = 0;
        return leftOut;
    }

    @GuardedBy("this")
    private Allowance allowance(Kind kind, long now) {
        var known = allowances.get(kind);
        if (known != null) {
            return known;
        }
        if (allowances.size() >= KINDS) {
            allowances.values().removeIf(allowance -> allowance.full(now));
        }
        var counted = allowances.size() >= KINDS ? new Kind("", kind.level(), "") : kind;
        return allowances.computeIfAbsent(counted, counting -> new Allowance(Rate.of(counting.logger()), now));
    }

    private static boolean endsWithThrown(Object @Nullable [] arguments) {
        return arguments != null && arguments.length > 0 && arguments[arguments.length - 1] instanceof Throwable;
    }
}
