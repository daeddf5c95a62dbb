package io.raftfleet.state;

/**
 * Something persistent in the registry, or that was there: what a mirror outside the cluster keeps.
 *
 * @param version of its last change, or of its removal
 * @param id hash or digest in hexadecimal, unit's name or machine id, by kind
 */
public record Fact(long version, String id) implements Comparable<Fact> {
    /** Before all others. */
    public static final Fact FIRST = new Fact(0, "");

    /** What kinds of facts there are. */
    public enum Kind {
        CONTENTS("c"),
        /** A unit file as it was submitted. */
        SOURCE("f"),
        /** A unit's contents and file, target state, start generation, and who changed it last. */
        UNIT("u"),
        /** Which machine a unit is scheduled to. */
        SCHEDULE("s"),
        /** What operators say of a machine. */
        METADATA("m");

        private final String letter;

        Kind(String letter) {
            this.letter = letter;
        }

        /** As rows of checkpoints name it. */
        String letter() {
            return letter;
        }

        static Kind of(String letter) {
            for (var kind : values()) {
                if (kind.letter.equals(letter)) {
                    return kind;
                }
            }
            throw new IllegalStateException(
                    "no kind of fact has the letter \"" + letter + "\": a newer version wrote it?");
        }
    }

    @Override
    public int compareTo(Fact other) {
        int order = Long.compare(version, other.version);
        return order != 0 ? order : id.compareTo(other.id);
    }
}
