package io.raftfleet.engine.schedule;

import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import org.jspecify.annotations.Nullable;

/**
 * A pattern that units name in {@code Conflicts} or {@code Replaces}, shared by all that name it, with what is needed to
 * ask of a machine at once: does it have a unit that the pattern matches, or one that names the pattern? Owned by {@link
 * NamePatterns}; {@link Cluster} keeps the counts.
 */
final class NamePattern {
    final String text;

    /** What every name that it matches starts with. */
    final String prefix;

    /** Null for a plain name, and for a malformed pattern, which matches nothing. */
    private final @Nullable Glob glob;

    private final boolean plain;

    /** How many units name it, in either option. */
    int uses;

    /** How many units name it in {@code Conflicts}. {@link #occupied} is kept while there are any. */
    int conflictUses;

    /** Attached units that it matches. */
    final MachineCounts occupied = new MachineCounts();

    /** Attached units that name it in {@code Conflicts}. */
    final MachineCounts declared = new MachineCounts();

    /** Units that name it in {@code Replaces}. */
    final WaitSet replacers = new WaitSet();

    /** Pending units that name it in {@code Conflicts}, kept off a machine by a unit that it matches. */
    final WaitSet declarersWaiting = new WaitSet();

    /** Pending units that it matches, kept off a machine by a unit that names it in {@code Conflicts}. */
    final WaitSet matchedWaiting = new WaitSet();

    /** Pending units that it matches, kept off a machine by a unit that names it in {@code Replaces}. */
    final WaitSet replacedWaiting = new WaitSet();

    NamePattern(String text) {
        this.text = text;
        this.plain = !Glob.isPattern(text);
        this.glob = plain ? null : compile(text);
        this.prefix = glob == null ? text : glob.prefix();
    }

    /** True when it matches the one name that equals it. */
    boolean isPlain() {
        return plain;
    }

    /** True when it can match several names. */
    boolean isGlob() {
        return glob != null;
    }

    boolean matches(String name) {
        return glob == null ? plain && text.equals(name) : glob.matches(name);
    }

    private static @Nullable Glob compile(String text) {
        try {
            return Glob.compile(text);
        } catch (InvalidPatternException malformed) {
            // Fleet takes the error that such a pattern gives for "no match".
            return null;
        }
    }
}
