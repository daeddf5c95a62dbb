package io.raftfleet.unit;

import com.google.protobuf.TextFormat;
import io.raftfleet.proto.log.MetadataChoice;
import io.raftfleet.proto.log.UnitFacts;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a unit asks of the machine that it runs on: its section {@code [X-Fleet]}, with fleet's meaning ({@code
 * job/job.go}). Metadata of one key are alternatives; different keys, and different options, must all hold.
 *
 * <p>Immutable. Equal when they ask for the same, written in whatever way. Units without the section share one object.
 */
public final class Requirements {
    /**
     * How many characters all values together may have, specifiers put in. Bounds the work of checking one unit against
     * another, which grows with the product of their patterns and names.
     */
    public static final int MAX_CHARACTERS = 16 * 1024;

    private static final int SHORT_ID = 8;
    private static final Set<String> TRUE_WORDS = Set.of("true", "yes", "1", "on", "t");

    /** Of a unit that any machine can take beside any others, once. */
    public static final Requirements NONE = new Requirements(Map.of());

    private final @Nullable String machineId;
    private final List<String> peers;
    private final Map<String, Set<String>> metadata;
    private final List<String> conflicts;
    private final List<Glob> conflictGlobs;
    private final List<String> replaces;
    private final List<Glob> replaceGlobs;
    private final boolean global;
    private final boolean fence;
    private final boolean startFirst;
    /** All of it as records carry it: made once, for it is written and compared with every change of a unit. */
    private final UnitFacts facts;

    private Requirements(Map<String, List<String>> options) {
        this(
                machineId(options),
                values(options, FleetOptions.OLD_MACHINE_OF, FleetOptions.MACHINE_OF),
                metadata(values(options, FleetOptions.OLD_MACHINE_METADATA, FleetOptions.MACHINE_METADATA)),
                words(values(options, FleetOptions.OLD_CONFLICTS, FleetOptions.CONFLICTS)),
                values(options, FleetOptions.REPLACES),
                isTrue(values(options, FleetOptions.GLOBAL)),
                isTrue(values(options, FleetOptions.FENCE)),
                isTrue(values(options, FleetOptions.START_FIRST)));
    }

    private Requirements(
            @Nullable String machineId,
            List<String> peers,
            Map<String, Set<String>> metadata,
            List<String> conflicts,
            List<String> replaces,
            boolean global,
            boolean fence,
            boolean startFirst) {
        this.machineId = machineId;
        this.peers = peers;
        this.metadata = metadata;
        this.conflicts = conflicts;
        this.conflictGlobs = globs(conflicts);
        this.replaces = replaces;
        this.replaceGlobs = globs(replaces);
        this.global = global;
        this.fence = fence;
        this.startFirst = startFirst;
        this.facts = facts(machineId, peers, metadata, conflicts, replaces, global, fence, startFirst);
    }

    /** The requirements that a record of the log carries: what {@link #facts} made of them. */
    public static Requirements of(UnitFacts facts) {
        if (facts.equals(UnitFacts.getDefaultInstance())) {
            return NONE;
        }
        Map<String, Set<String>> metadata = new LinkedHashMap<>();
        facts.getMetadataList()
                .forEach(key -> metadata.put(
                        key.getKey(), Collections.unmodifiableSet(new LinkedHashSet<>(key.getValuesList()))));
        return new Requirements(
                facts.hasMachineId() ? facts.getMachineId() : null,
                List.copyOf(facts.getPeersList()),
                metadata.isEmpty() ? Map.of() : Collections.unmodifiableMap(metadata),
                List.copyOf(facts.getConflictsList()),
                List.copyOf(facts.getReplacesList()),
                facts.getGlobal(),
                facts.getFence(),
                facts.getStartFirst());
    }

    /** These requirements as records carry them, so that nobody has to read the unit's file again to apply one. */
    public UnitFacts facts() {
        return facts;
    }

    private static UnitFacts facts(
            @Nullable String machineId,
            List<String> peers,
            Map<String, Set<String>> metadata,
            List<String> conflicts,
            List<String> replaces,
            boolean global,
            boolean fence,
            boolean startFirst) {
        UnitFacts.Builder facts = UnitFacts.newBuilder()
                .addAllPeers(peers)
                .addAllConflicts(conflicts)
                .addAllReplaces(replaces)
                .setGlobal(global)
                .setFence(fence)
                .setStartFirst(startFirst);
        metadata.forEach((key, values) ->
                facts.addMetadata(MetadataChoice.newBuilder().setKey(key).addAllValues(values)));
        if (machineId != null) {
            facts.setMachineId(machineId);
        }
        return facts.build();
    }

    /**
     * The requirements of a unit, with the specifiers {@code %n %N %p %i} filled in from its name.
     *
     * @throws InvalidUnitException if the name isn't valid, an option of the section is unknown, or its values are
     *     longer than {@value #MAX_CHARACTERS} characters
     */
    public static Requirements of(String unitName, UnitFile file) throws InvalidUnitException {
        return of(UnitName.of(unitName), FleetOptions.values(file));
    }

    /** The requirements that these values of the section's options make. */
    static Requirements of(UnitName name, Map<String, List<String>> written) throws InvalidUnitException {
        if (written.isEmpty()) {
            return NONE;
        }
        check(name.name(), written);
        Map<String, List<String>> expanded = new LinkedHashMap<>(written);
        expanded.replaceAll(
                (option, values) -> values.stream().map(name::expand).toList());
        check(name.name(), expanded);
        return new Requirements(expanded);
    }

    /**
     * The requirements as they are written, specifiers left alone: what fleet validates.
     *
     * @param name for messages
     */
    static Requirements asWritten(UnitName name, Map<String, List<String>> written) throws InvalidUnitException {
        if (written.isEmpty()) {
            return NONE;
        }
        check(name.name(), written);
        return new Requirements(written);
    }

    private static void check(String unitName, Map<String, List<String>> options) throws InvalidUnitException {
        long characters = 0;
        for (Map.Entry<String, List<String>> option : options.entrySet()) {
            String key = option.getKey();
            if (!FleetOptions.isKnown(key)) {
                throw new InvalidUnitException(
                        unitName,
                        "[X-Fleet] " + Text.quote(key),
                        "unknown option; "
                                + FleetOptions.nearest(key)
                                        .map(near -> "did you mean \"" + near + "\"?")
                                        .orElse("there are: " + FleetOptions.current()));
            }
            for (String value : option.getValue()) {
                characters += value.length() + 1;
            }
        }
        if (characters > MAX_CHARACTERS) {
            throw new InvalidUnitException(
                    unitName,
                    "[X-Fleet]",
                    "its values have " + characters + " characters with specifiers put in; at most " + MAX_CHARACTERS
                            + " are allowed");
        }
    }

    private static @Nullable String machineId(Map<String, List<String>> options) {
        for (String key :
                List.of(FleetOptions.MACHINE_ID, FleetOptions.OLD_MACHINE_ID, FleetOptions.OLD_MACHINE_BOOT_ID)) {
            List<String> values = options.get(key);
            if (values != null) {
                return values.getFirst();
            }
        }
        return null;
    }

    private static List<String> values(Map<String, List<String>> options, String... keys) {
        List<String> values = new ArrayList<>();
        for (String key : keys) {
            values.addAll(options.getOrDefault(key, List.of()));
        }
        return List.copyOf(values);
    }

    private static List<String> words(List<String> values) {
        return values.stream().flatMap(value -> Text.words(value).stream()).toList();
    }

    /** Malformed patterns match nothing, and are left out. */
    private static List<Glob> globs(List<String> patterns) {
        List<Glob> globs = new ArrayList<>();
        for (String pattern : patterns) {
            try {
                globs.add(Glob.compile(pattern));
            } catch (InvalidPatternException malformed) {
                // Fleet's path.Match answers such a pattern with an error, which fleet takes for "no match".
            }
        }
        return List.copyOf(globs);
    }

    private static Map<String, Set<String>> metadata(List<String> pairs) {
        Map<String, Set<String>> metadata = new LinkedHashMap<>();
        for (String pair : pairs) {
            int equals = pair.indexOf('=');
            if (equals > 0 && equals < pair.length() - 1 && pair.indexOf('=', equals + 1) < 0) {
                metadata.computeIfAbsent(pair.substring(0, equals), key -> new LinkedHashSet<>())
                        .add(pair.substring(equals + 1));
            }
        }
        if (metadata.isEmpty()) {
            return Map.of();
        }
        metadata.replaceAll((key, values) -> Collections.unmodifiableSet(values));
        return Collections.unmodifiableMap(metadata);
    }

    /** The last value counts. */
    private static boolean isTrue(List<String> values) {
        return !values.isEmpty() && TRUE_WORDS.contains(values.getLast().toLowerCase(Locale.ROOT));
    }

    /**
     * Id of the only machine that will do, whole or its first 8 characters; see {@link #admitsMachine}. The first value
     * of {@code MachineID}, else of {@code X-ConditionMachineID}, else of {@code X-ConditionMachineBootID}, which fleet
     * takes for a machine id too. Present but empty for an empty value, which no machine has.
     */
    public Optional<String> machineId() {
        return Optional.ofNullable(machineId);
    }

    /** Units ({@code MachineOf}) that must all be scheduled to the machine. Names, not patterns. */
    public List<String> peers() {
        return peers;
    }

    /**
     * Metadata that the machine must have: for each key its allowed values, in order of appearance. Values that are not
     * of the form {@code key=value} are passed over, as in fleet.
     */
    public Map<String, Set<String>> metadata() {
        return metadata;
    }

    /** Patterns of units that must not share the machine. Malformed ones match nothing, as in fleet. */
    public List<String> conflicts() {
        return conflicts;
    }

    /** Patterns of units that are to move off the machine when this one comes. */
    public List<String> replaces() {
        return replaces;
    }

    /** True for a unit that runs on every machine that its metadata admit. */
    public boolean global() {
        return global;
    }

    /**
     * True for a unit that must never run twice: it is stopped when its machine has not heard from the leader for the TTL.
     * Not among fleet's options.
     */
    public boolean fence() {
        return fence;
    }

    /**
     * True for a unit that a planned move starts on its new machine before it stops it on the old one. Not among fleet's options.
     */
    public boolean startFirst() {
        return startFirst;
    }

    /** True for a unit that any machine can take beside any others, once. */
    public boolean isUnconstrained() {
        return machineId == null
                && peers.isEmpty()
                && metadata.isEmpty()
                && conflicts.isEmpty()
                && replaces.isEmpty()
                && !global;
    }

    /** Whether a machine with these metadata meets {@link #metadata()}. */
    public boolean admits(Map<String, String> machineMetadata) {
        return admits(metadata, machineMetadata);
    }

    /** Whether a machine has, for every key, one of its allowed values: fleet's {@code HasMetadata}. */
    public static boolean admits(Map<String, Set<String>> required, Map<String, String> machineMetadata) {
        for (Map.Entry<String, Set<String>> each : required.entrySet()) {
            String value = machineMetadata.get(each.getKey());
            if (value == null || !each.getValue().contains(value)) {
                return false;
            }
        }
        return true;
    }

    /** Whether the machine with this (whole) id meets {@link #machineId()}. */
    public boolean admitsMachine(String id) {
        return machineId == null
                || machineId.equals(id)
                || (machineId.length() == SHORT_ID && id.startsWith(machineId));
    }

    /**
     * Whether {@link #conflicts()} match the name of another unit. Conflicts hold both ways: ask the other unit too. A
     * pattern may match the unit's own name, which means nothing.
     */
    public boolean conflictsWith(String otherName) {
        return anyMatches(conflictGlobs, otherName);
    }

    /** Whether two different units may not share a machine, whichever says so: fleet's {@code HasConflict}. */
    public static boolean conflict(String name, Requirements wants, String otherName, Requirements otherWants) {
        return wants.conflictsWith(otherName) || otherWants.conflictsWith(name);
    }

    /** Whether {@link #replaces()} match the name of another unit. When both replace each other, neither counts. */
    public boolean replaces(String otherName) {
        return anyMatches(replaceGlobs, otherName);
    }

    /** Whether both ask for the same, in the same order: what {@link #facts} makes of them is the same to the byte. */
    @Override
    public boolean equals(@Nullable Object object) {
        return object == this || (object instanceof Requirements other && facts.equals(other.facts));
    }

    @Override
    public int hashCode() {
        return facts.hashCode();
    }

    @Override
    public String toString() {
        return TextFormat.printer().emittingSingleLine(true).printToString(facts);
    }

    private static boolean anyMatches(List<Glob> globs, String name) {
        for (Glob glob : globs) {
            if (glob.matches(name)) {
                return true;
            }
        }
        return false;
    }
}
