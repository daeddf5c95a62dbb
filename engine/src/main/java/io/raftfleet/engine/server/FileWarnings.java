package io.raftfleet.engine.server;

import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.Units;
import io.raftfleet.unit.limits.Limits;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What users are to be told of units that the registry took before there was a rule against them. Such a unit keeps the meaning
 * that it had, which need not be what its file seems to say: a constraint may count for nothing. Only {@code [X-Fleet]} is looked
 * at; what systemd makes of the rest its machine reports.
 *
 * <p>Safe for threads; waits for none of them.
 */
final class FileWarnings {
    private static final String SECTION = "[X-Fleet]";

    /** How many contents without fault are remembered, so that lists of units that share them do not read them each time. */
    private static final int MAX_SOUND = 10_000;

    /** What reading a file anew costs, in looks at a row. */
    private static final int FILE_COST = 50;

    /** How many names {@link Page} looks through for the circles of one unit; circles beyond are not told. */
    private static final int MAX_LOOKS = 10_000;

    /** Contents that read the same for all units of the type, as they have no specifiers. */
    private record Contents(UnitHash hash, String type) {}

    private final Map<Contents, Requirements> sound = new ConcurrentHashMap<>();

    Page page(RegistryView view) {
        return new Page(view);
    }

    /** For the units of one answer, inside the read that builds it. To be used by one thread. */
    final class Page {
        private final RegistryView view;
        private int cost;

        private Page(RegistryView view) {
            this.view = view;
        }

        /** What was done so far, in looks at a row. */
        int cost() {
            return cost;
        }

        /** Warnings for people, without the unit's name; mostly none. */
        List<String> of(UnitRecord unit) {
            String text = view.contents(unit.hash());
            if (text == null || !text.contains(SECTION)) {
                return List.of();
            }
            var warnings = new ArrayList<String>(1);
            String fault = fault(unit, text);
            if (fault != null) {
                warnings.add(SafeText.cut(fault, Limits.MESSAGE_BYTES));
            }
            var circle = circle(unit);
            if (!circle.isEmpty()) {
                var first = circle.get(1);
                warnings.add(SafeText.cut(
                        "that it replaces " + first + " counts for nothing, since " + reason(circle)
                                + ": take Replaces out of one of them",
                        Limits.MESSAGE_BYTES));
            }
            return warnings;
        }

        private @Nullable String fault(UnitRecord unit, String text) {
            String name = unit.name();
            var contents = new Contents(unit.hash(), name.substring(name.lastIndexOf('.') + 1));
            Requirements known = sound.get(contents);
            if (known != null && known.equals(unit.wants())) {
                return null;
            }
            cost += FILE_COST;
            try {
                var file = UnitFile.stored(text);
                Units.validate(name, file);
                var read = Requirements.of(name, file);
                if (!read.equals(unit.wants())) {
                    return "its file is read otherwise by now (" + words(read)
                            + "), and it keeps what was read in it when" + " it was submitted: " + words(unit.wants())
                            + ". Submit it anew";
                }
                if (text.indexOf('%') < 0) {
                    if (sound.size() >= MAX_SOUND) {
                        sound.clear();
                    }
                    sound.put(contents, read);
                }
                return null;
            } catch (InvalidUnitException e) {
                return "its file would be refused by now: " + e.field() + ": " + e.reason()
                        + ". It keeps what was read in it when it was submitted: " + words(unit.wants());
            }
        }

        /**
         * The unit, what it replaces, and so on to one that replaces it, or to one that it follows, which is the last then. As {@code
         * ReplaceGraph.circle} has it for units that come; here are no indexes of patterns, and none of followers: of circles in which
         * others follow, too, it is silent.
         */
        private List<String> circle(UnitRecord unit) {
            Set<String> leaders = unit.wants().replaces().isEmpty() ? Set.of() : leaders(unit);
            Map<String, String> replacedBy = new HashMap<>();
            Deque<UnitRecord> open = new ArrayDeque<>(List.of(unit));
            int looks = 0;
            while (!open.isEmpty() && looks < MAX_LOOKS) {
                UnitRecord replacer = open.remove();
                for (String pattern : replacer.wants().replaces()) {
                    for (UnitRecord replaced : from(pattern)) {
                        if (!replaced.name().startsWith(prefix(pattern)) || looks++ >= MAX_LOOKS) {
                            break;
                        }
                        boolean counts = !replaced.name().equals(replacer.name())
                                && !replaced.global()
                                && replacer.wants().replaces(replaced.name());
                        if (counts && replaced.name().equals(unit.name())) {
                            cost += looks;
                            return path(unit.name(), replacer.name(), replacedBy);
                        }
                        if (counts && leaders.contains(replaced.name())) {
                            cost += looks;
                            var circle = path(unit.name(), replacer.name(), replacedBy);
                            circle.add(replaced.name());
                            return circle;
                        }
                        if (counts && replacedBy.putIfAbsent(replaced.name(), replacer.name()) == null) {
                            open.add(replaced);
                        }
                    }
                }
            }
            cost += looks;
            return List.of();
        }

        /** Those that a unit follows, directly or through others. */
        private Set<String> leaders(UnitRecord unit) {
            var leaders = new LinkedHashSet<String>(unit.wants().peers());
            var open = new ArrayDeque<>(leaders);
            while (!open.isEmpty() && leaders.size() < MAX_LOOKS) {
                var leader = view.unit(open.remove());
                if (leader != null) {
                    leader.wants().peers().stream().filter(leaders::add).forEach(open::add);
                }
            }
            cost += leaders.size();
            return leaders;
        }

        /** Why what the first one replaces can't be driven off. */
        private String reason(List<String> circle) {
            var first = view.unit(circle.getFirst());
            var last = view.unit(circle.getLast());
            boolean followed = first != null && last != null && !last.wants().replaces(first.name());
            if (!followed) {
                var others = new ArrayList<>(circle.subList(2, circle.size()));
                others.add(circle.getFirst());
                return circle.get(1) + " replaces " + String.join(", which replaces ", others);
            }
            return circle.size() == 2
                    ? "it follows " + circle.get(1)
                    : circle.get(1) + " replaces " + String.join(", which replaces ", circle.subList(2, circle.size()))
                            + ", which it follows";
        }

        private Iterable<UnitRecord> from(String pattern) {
            if (Glob.isPattern(pattern)) {
                return view.units().from(prefix(pattern), true);
            }
            var one = view.unit(pattern);
            return one == null ? List.of() : List.of(one);
        }
    }

    /** The unit, what it replaces, and so on to the one that replaces it. */
    private static List<String> path(String first, String last, Map<String, String> replacedBy) {
        var circle = new ArrayList<String>();
        for (String next = last; next != null && !next.equals(first); next = replacedBy.get(next)) {
            circle.addFirst(next);
        }
        circle.addFirst(first);
        return circle;
    }

    private static String prefix(String pattern) {
        if (!Glob.isPattern(pattern)) {
            return pattern;
        }
        try {
            return Glob.compile(pattern).prefix();
        } catch (InvalidPatternException malformed) {
            return pattern; // Matches nothing.
        }
    }

    private static String words(Requirements wants) {
        var words = new ArrayList<String>();
        wants.machineId().ifPresent(id -> words.add("MachineID=" + id));
        wants.peers().forEach(peer -> words.add("MachineOf=" + peer));
        wants.metadata()
                .forEach((key, values) -> words.add("MachineMetadata=" + key + "=" + String.join(" or ", values)));
        wants.conflicts().forEach(pattern -> words.add("Conflicts=" + pattern));
        wants.replaces().forEach(pattern -> words.add("Replaces=" + pattern));
        if (wants.global()) {
            words.add("Global=true");
        }
        if (wants.fence()) {
            words.add("Fence=true");
        }
        if (wants.startFirst()) {
            words.add("StartFirst=true");
        }
        return words.isEmpty() ? "no requirement" : String.join(", ", words);
    }
}
