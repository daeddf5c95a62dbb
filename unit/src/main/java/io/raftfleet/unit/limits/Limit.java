package io.raftfleet.unit.limits;

import com.google.protobuf.ByteString;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.SystemdStates;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitName;
import org.jspecify.annotations.Nullable;

/**
 * What a field may hold. {@link #toString} is what the {@code .proto} files say of it.
 *
 * @param kind what may stand in it, or in each of several
 * @param bytes the most that one value may have, of UTF-8 if it is text; of a map, all keys and values together
 * @param count how many values a repeated field or a map may have; 1 for a single one, {@link #UNBOUNDED} for what an engine
 *     answers with all that there is of something
 */
public record Limit(Kind kind, int bytes, int count) {
    /** As many as there are. */
    public static final int UNBOUNDED = Integer.MAX_VALUE;

    private static final int MACHINE_ID_DIGITS = 32;

    /** What may stand in a field. */
    public enum Kind {
        /** A name that a unit can have. */
        UNIT_NAME,
        /** 32 lower-case hexadecimal digits. */
        MACHINE_ID,
        /** A machine id, or nothing. */
        MACHINE_ID_OR_NONE,
        /** 20 bytes, or none. */
        HASH,
        /** One of systemd's load states, or nothing. */
        LOAD_STATE,
        /** One of systemd's active states, or nothing. */
        ACTIVE_STATE,
        /** One of systemd's sub states, or nothing. */
        SUB_STATE,
        /** ASCII that shows, no spaces; may be empty. */
        TOKEN,
        /** Text without control characters. */
        LINE,
        /** Any text. */
        TEXT,
        /** Text for people: never a reason to refuse anything; whoever takes it cuts it. */
        CUT,
        BYTES,
        /** Numbers, or messages that have limits of their own. */
        PARTS,
        /** Items of a write: each is refused by itself, in its result. */
        ITEMS
    }

    static Limit one(Kind kind, int bytes) {
        return new Limit(kind, bytes, 1);
    }

    static Limit parts(int count) {
        return new Limit(Kind.PARTS, 0, count);
    }

    Limit times(int most) {
        return new Limit(kind, bytes, most);
    }

    /** What is wrong with a text; null when nothing is. Does not repeat the text. */
    @Nullable
    String fault(String text) {
        if (kind == Kind.CUT) {
            return null;
        }
        if (text.length() > bytes / 3) {
            long size = SafeText.bytes(text);
            if (size > bytes) {
                return tooLong(size);
            }
        }
        return switch (kind) {
            case UNIT_NAME -> UnitName.isValid(text) ? null : "no unit can have that name";
            case MACHINE_ID -> isMachineId(text) ? null : "it is not 32 lower-case hexadecimal digits";
            case MACHINE_ID_OR_NONE ->
                text.isEmpty() || isMachineId(text) ? null : "it is not 32 lower-case hexadecimal digits";
            case LOAD_STATE ->
                text.isEmpty() || SystemdStates.isLoadState(text) ? null : "it is no load state of systemd's";
            case ACTIVE_STATE ->
                text.isEmpty() || SystemdStates.isActiveState(text) ? null : "it is no active state of systemd's";
            case SUB_STATE ->
                text.isEmpty() || SystemdStates.isSubState(text) ? null : "it is no sub state of systemd's";
            case TOKEN -> isToken(text) ? null : "only ASCII characters that show are allowed, and no spaces";
            case LINE, ITEMS -> SafeText.isPlain(text) ? null : "control characters are not allowed";
            case TEXT, CUT, PARTS, HASH, BYTES -> null;
        };
    }

    @Nullable
    String fault(ByteString value) {
        if (kind == Kind.HASH) {
            return value.isEmpty() || value.size() == UnitHash.BYTES
                    ? null
                    : "a hash has " + UnitHash.BYTES + " bytes, this one has " + value.size();
        }
        return value.size() > bytes ? tooLong(value.size()) : null;
    }

    /** What is wrong with how many values there are; null when nothing is. */
    @Nullable
    String countFault(int values) {
        return values > count ? "there are " + values + "; at most " + count + " are allowed" : null;
    }

    private String tooLong(long size) {
        return "it has " + size + " bytes; at most " + bytes + " are allowed";
    }

    private static boolean isMachineId(String text) {
        if (text.length() != MACHINE_ID_DIGITS) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isToken(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) <= ' ' || text.charAt(i) > '~') {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        String what = switch (kind) {
            case UNIT_NAME -> "unit name, at most " + bytes + " bytes";
            case MACHINE_ID -> "32 hexadecimal digits";
            case MACHINE_ID_OR_NONE -> "32 hexadecimal digits or empty";
            case HASH -> "20 bytes or empty";
            case LOAD_STATE, ACTIVE_STATE, SUB_STATE -> "at most " + bytes + " bytes, one of systemd's, or empty";
            case TOKEN -> "at most " + bytes + " bytes of printable ASCII";
            case LINE -> "one line, at most " + bytes + " bytes";
            case TEXT, BYTES -> "at most " + bytes + " bytes";
            case CUT -> "cut after " + bytes + " bytes";
            case PARTS -> bytes == 0 ? "" : "at most " + bytes + " bytes together";
            case ITEMS -> bytes == 0 ? "" : "at most " + bytes + " bytes each";
        };
        if (count == 1) {
            return what;
        }
        String many = count == UNBOUNDED ? "as many as there are" : "at most " + count;
        return what.isEmpty() ? many : many + "; " + what;
    }
}
