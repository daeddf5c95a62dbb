package io.raftfleet.unit;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The reference for {@link Glob} on ASCII: elements as predicates, stars tried at every length. */
final class NaiveGlob {
    private final String pattern;
    private int at;

    private NaiveGlob(String pattern) {
        this.pattern = pattern;
    }

    /** "true", "false" or "malformed". */
    static String match(String pattern, String name) {
        List<@Nullable IntPredicate> elements = new NaiveGlob(pattern).elements();
        return elements == null ? "malformed" : Boolean.toString(match(elements, name));
    }

    /** A null element is a star. */
    private static boolean match(List<@Nullable IntPredicate> elements, String name) {
        if (elements.isEmpty()) {
            return name.isEmpty();
        }
        List<@Nullable IntPredicate> rest = elements.subList(1, elements.size());
        IntPredicate first = elements.getFirst();
        if (first != null) {
            return !name.isEmpty() && first.test(name.charAt(0)) && match(rest, name.substring(1));
        }
        for (int length = 0; length <= name.length(); length++) {
            if (match(rest, name.substring(length))) {
                return true;
            }
            if (length < name.length() && name.charAt(length) == '/') {
                return false;
            }
        }
        return false;
    }

    private @Nullable List<@Nullable IntPredicate> elements() {
        List<@Nullable IntPredicate> elements = new ArrayList<>();
        try {
            while (at < pattern.length()) {
                char c = pattern.charAt(at++);
                switch (c) {
                    case '*' -> elements.add(null);
                    case '?' -> elements.add(x -> x != '/');
                    case '[' -> elements.add(characterClass());
                    case '\\' -> elements.add(is(pattern.charAt(at++)));
                    default -> elements.add(is(c));
                }
            }
            return elements;
        } catch (StringIndexOutOfBoundsException | IllegalArgumentException malformed) {
            return null;
        }
    }

    private static IntPredicate is(char c) {
        return x -> x == c;
    }

    private IntPredicate characterClass() {
        boolean negated = pattern.charAt(at) == '^';
        if (negated) {
            at++;
        }
        IntPredicate any = range();
        while (pattern.charAt(at) != ']') {
            any = any.or(range());
        }
        at++;
        return negated ? any.negate() : any;
    }

    private IntPredicate range() {
        char low = member();
        if (pattern.charAt(at) != '-') {
            return is(low);
        }
        at++;
        char high = member();
        return x -> low <= x && x <= high;
    }

    private char member() {
        char c = pattern.charAt(at++);
        if (c == '-' || c == ']') {
            throw new IllegalArgumentException("a member of a class is missing");
        }
        return c == '\\' ? pattern.charAt(at++) : c;
    }
}
