package io.raftfleet.bench;

import java.util.ArrayList;
import java.util.List;

/** The line that repeats a benchmark. */
final class Invocation {
    private static final List<String> FILES = List.of("--json", "--html");

    private Invocation() {}

    /** @param arguments as they were given, the benchmark's name first; where results go is left out */
    static String of(List<String> arguments) {
        var words = new ArrayList<>(List.of("bin/fleet", "bench"));
        for (int i = 0; i < arguments.size(); i++) {
            var word = arguments.get(i);
            if (FILES.contains(word)) {
                i++; // its value
            } else if (FILES.stream().noneMatch(option -> word.startsWith(option + "="))) {
                words.add(quoted(word));
            }
        }
        return String.join(" ", words);
    }

    private static String quoted(String word) {
        return word.matches("[A-Za-z0-9_./:=,@%+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
