package io.raftfleet.unit;

import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The name of a unit, taken apart: {@code prefix.type}, or {@code prefix@instance.type} for an instance of the template
 * {@code prefix@.type}. The rules are those of fleet's {@code ValidateName} (systemd's {@code unit_name_is_valid}).
 *
 * <p>A valid name is ASCII without "/", and ends in a unit type, so that it is safe as the name of a file. Immutable;
 * names are equal when their full names are.
 */
public final class UnitName {
    /** The longest name that is taken, in characters: that of a file, and of a unit in systemd. */
    public static final int MAX_LENGTH = 255;

    /** The longest that is read, as fleet has it, which took one more than can be had. A registry of before may have such a unit. */
    private static final int MAX_KNOWN_LENGTH = 256;

    private static final String PUNCTUATION = ":-_.\\@";

    private static final Set<String> TYPES = Set.of(
            "automount",
            "busname",
            "device",
            "mount",
            "path",
            "scope",
            "service",
            "slice",
            "snapshot",
            "socket",
            "swap",
            "target",
            "timer");
    /** Of units that systemd has no files of, or starts on no order. */
    private static final Set<String> UNSTARTABLE_TYPES = Set.of("busname", "device", "scope", "snapshot");

    private static final Set<String> TEMPLATE_TYPES = Set.of("path", "service", "socket", "target", "timer");

    private final String name;
    /** Of the last dot. */
    private final int dot;
    /** Of the first "@" before the last dot; -1 when there is none. */
    private final int at;

    private UnitName(String name) {
        this.name = name;
        this.dot = name.lastIndexOf('.');
        int first = name.indexOf('@');
        this.at = first < dot ? first : -1;
    }

    /**
     * Takes a name apart.
     *
     * @throws InvalidUnitException if it isn't valid; the field is "name"
     */
    public static UnitName of(String name) throws InvalidUnitException {
        validate(name);
        return new UnitName(name);
    }

    /**
     * Checks a name: 1 to {@value #MAX_KNOWN_LENGTH} characters out of letters, digits and {@code :-_.\@}, something before
     * and a known type after the last dot, no "@" in front, "@" only in types that have templates. Not all of these may be submitted:
     * see {@link #validateNew}.
     *
     * @throws InvalidUnitException with the first rule that is broken; the field is "name"
     */
    public static void validate(String name) throws InvalidUnitException {
        String reason = fault(name);
        if (reason != null) {
            throw new InvalidUnitException(name, "name", reason);
        }
    }

    /**
     * Checks the name of a unit that is to be submitted: at most {@value #MAX_LENGTH} characters, and of a type that can be started.
     *
     * @throws InvalidUnitException if it can't be; the field is "name"
     */
    void validateNew() throws InvalidUnitException {
        if (name.length() > MAX_LENGTH) {
            throw new InvalidUnitException(name, "name", tooLong(name));
        }
        if (UNSTARTABLE_TYPES.contains(type())) {
            Set<String> startable = new TreeSet<>(TYPES);
            startable.removeAll(UNSTARTABLE_TYPES);
            throw new InvalidUnitException(
                    name,
                    "name",
                    "systemd starts no unit of type \"" + type() + "\" from a file; it does those of: "
                            + String.join(", ", startable));
        }
    }

    private static String tooLong(String name) {
        return "it has " + name.length() + " characters; at most " + MAX_LENGTH + " are allowed";
    }

    /** Whether {@link #validate} accepts the name. */
    public static boolean isValid(String name) {
        return fault(name) == null;
    }

    private static @Nullable String fault(String name) {
        if (name.isEmpty()) {
            return "it is empty; a unit is named like \"web.service\"";
        }
        if (name.length() > MAX_KNOWN_LENGTH) {
            return tooLong(name);
        }
        int dot = name.lastIndexOf('.');
        if (dot < 0 || dot == name.length() - 1) {
            return "it must end in a unit type, like \".service\"";
        }
        if (dot == 0) {
            return "nothing stands before its type";
        }
        String type = name.substring(dot + 1);
        if (!TYPES.contains(type)) {
            return "unknown unit type " + Text.quote(type) + "; known are " + String.join(", ", new TreeSet<>(TYPES));
        }
        if (name.charAt(0) == '@') {
            return "it must not start with \"@\"";
        }
        for (int i = 0; i < dot; i++) {
            char c = name.charAt(i);
            if (!isAlphanumeric(c) && PUNCTUATION.indexOf(c) < 0) {
                String character = new String(Character.toChars(name.codePointAt(i)));
                return "character " + Text.quote(character) + " is not allowed; letters, digits and :-_.\\@ are";
            }
        }
        if (name.indexOf('@') >= 0 && !TEMPLATE_TYPES.contains(type)) {
            return "units of type \"" + type + "\" have no templates or instances; these have: "
                    + String.join(", ", new TreeSet<>(TEMPLATE_TYPES));
        }
        return null;
    }

    private static boolean isAlphanumeric(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }

    /** The whole name: "web@1.service". Specifier {@code %n}. */
    public String name() {
        return name;
    }

    /** The name without its type: "web@1". Specifier {@code %N}. */
    public String nameWithoutType() {
        return name.substring(0, dot);
    }

    /** What precedes the first "@", or the type: "web". Specifier {@code %p}. */
    public String prefix() {
        return name.substring(0, at < 0 ? dot : at);
    }

    /** What stands between the first "@" and the type: "1"; empty for templates and plain units. Specifier {@code %i}. */
    public String instance() {
        return at < 0 ? "" : name.substring(at + 1, dot);
    }

    /** The type, without its dot: "service". */
    public String type() {
        return name.substring(dot + 1);
    }

    /** True for a template: "web@.service". It can't be started itself. */
    public boolean isTemplate() {
        return at >= 0 && at + 1 == dot;
    }

    /** True for an instance of a template: "web@1.service". */
    public boolean isInstance() {
        return at >= 0 && at + 1 < dot;
    }

    /** Name of the template of an instance, or a template's own name: "web@.service". Empty for plain units. */
    public Optional<String> template() {
        return at < 0 ? Optional.empty() : Optional.of(name.substring(0, at + 1) + name.substring(dot));
    }

    /** The text with the specifiers {@code %n %N %p %i} replaced, in fleet's order. */
    String expand(String text) {
        if (text.indexOf('%') < 0) {
            return text;
        }
        return text.replace("%n", name)
                .replace("%N", nameWithoutType())
                .replace("%p", prefix())
                .replace("%i", instance());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof UnitName unit && name.equals(unit.name);
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }

    /** {@link #name()}. */
    @Override
    public String toString() {
        return name;
    }
}
