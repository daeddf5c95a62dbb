package io.raftfleet.fleetctl;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Finds what was meant by a word that is none of what there is. */
final class Suggestions {
    private static final int MOST = 3;
    /** Longer words are no slip of a finger on anything that is suggested here, and comparing costs the product of both lengths. */
    private static final int LONGEST = 256;
    /** So many letters a wrong one is allowed. */
    private static final int LETTERS_A_MISTAKE = 4;

    private static final int MOST_MISTAKES = 3;
    /** Of an abbreviation. */
    private static final int SHORTEST_START = 2;

    private Suggestions() {}

    private record Near(String word, int distance) {}

    /** Those that the word is a slip or an abbreviation of, the nearest first; three at most. */
    static List<String> closest(String word, Collection<String> candidates) {
        return closest(word, word.length(), candidates);
    }

    /** @param letters how many of the word's say something: more of them may be wrong in a longer word */
    static List<String> closest(String word, int letters, Collection<String> candidates) {
        if (word.length() > LONGEST) {
            return List.of();
        }
        String given = word.toLowerCase(Locale.ROOT);
        int most = Math.clamp((letters + LETTERS_A_MISTAKE - 1) / LETTERS_A_MISTAKE, 1, MOST_MISTAKES);
        return candidates.stream()
                .distinct()
                .map(candidate -> new Near(candidate, distance(given, candidate, most)))
                .filter(near -> near.distance() <= most)
                .sorted(Comparator.comparingInt(Near::distance).thenComparing(Near::word))
                .limit(MOST)
                .map(Near::word)
                .toList();
    }

    private static int distance(String given, String candidate, int most) {
        String other = candidate.toLowerCase(Locale.ROOT);
        if (other.length() > LONGEST) {
            return most + 1;
        }
        int distance = Math.abs(other.length() - given.length()) > most ? most + 1 : mistakes(given, other);
        boolean begins = given.length() >= SHORTEST_START && other.startsWith(given);
        return begins ? Math.min(distance, most) : distance;
    }

    /** Letters put in, left out or exchanged, and neighbours swapped, at least so many (optimal string alignment). */
    static int mistakes(String a, String b) {
        int[] before = new int[b.length() + 1];
        int[] above = new int[b.length() + 1];
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            above[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int exchanged = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(exchanged, Math.min(above[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    row[j] = Math.min(row[j], before[j - 2] + 1);
                }
            }
            int[] free = before;
            before = above;
            above = row;
            row = free;
        }
        return above[b.length()];
    }

    /** "; did you mean a, b or c?", or what to do instead when there is nothing to suggest. */
    static String question(List<String> suggestions, String otherwise) {
        if (suggestions.isEmpty()) {
            return otherwise;
        }
        int last = suggestions.size() - 1;
        String some = String.join(", ", suggestions.subList(0, last));
        return "; did you mean " + (some.isEmpty() ? "" : some + " or ") + suggestions.get(last) + "?";
    }
}
