package io.raftfleet.unit;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Decides which units may be submitted. */
public final class Units {
    /** The longest {@link UnitFile#text()}, in bytes of UTF-8. */
    public static final int MAX_BYTES = 256 * 1024;

    private static final Set<String> UNBOUNDED_STOPS = Set.of("ExecStop", "ExecStopPost");

    private Units() {}

    /**
     * Checks a unit before it is stored: its name, that it is of a type that can be started, that its file is neither empty nor longer than {@value #MAX_BYTES}
     * bytes, has no NUL characters, can be read back, has only known options in {@code [X-Fleet]}, whose values are of a form that means
     * something ({@link FleetForms}), and that these can be met together; that {@code [Install]} names units. Which of them exclude each other is as fleet's {@code
     * ValidateOptions} has it; like there, specifiers are not filled in for that. A fenced unit must be one that systemd can stop in a bounded time. Contents of any size may be passed.
     *
     * @throws InvalidUnitException with the first rule that is broken, naming unit, field and reason
     */
    public static void validate(String name, UnitFile file) throws InvalidUnitException {
        UnitName unit = UnitName.of(name);
        unit.validateNew();
        if (name.equals(Fence.LEASE_UNIT)) {
            throw new InvalidUnitException(name, "name", "agents have a unit of this name themselves; use another");
        }
        if (file.isEmpty()) {
            throw new InvalidUnitException(name, "contents", "the file has no options");
        }
        checkSize(name, file.text());
        if (file.text().indexOf('\0') >= 0) {
            throw new InvalidUnitException(
                    name,
                    "contents",
                    "the file has a NUL character, where systemd would see the end of a line; take it out");
        }
        List<UnitOption> options = readBack(name, file);
        FleetForms.check(unit, options);
        InstallNames.check(unit, options);
        Map<String, List<String>> written = FleetOptions.values(options);
        checkCombinations(name, Requirements.asWritten(unit, written));
        if (Requirements.of(unit, written).fence()) {
            checkFence(unit, options);
        }
    }

    private static void checkFence(UnitName unit, List<UnitOption> options) throws InvalidUnitException {
        if (!unit.type().equals("service")) {
            throw unfenceable(unit.name(), "it is for services, and this is a " + unit.type());
        }
        for (UnitOption option : options) {
            if (option.section().equals("Service")
                    && UNBOUNDED_STOPS.contains(option.name())
                    && !UnitLexer.unfold(option.value()).isEmpty()) {
                throw unfenceable(
                        unit.name(),
                        "it can't be combined with [Service] " + option.name()
                                + ": a fenced unit ends by signals alone, in a bounded time; drop one of them");
            }
        }
    }

    private static InvalidUnitException unfenceable(String name, String reason) {
        return new InvalidUnitException(name, "[X-Fleet] " + FleetOptions.FENCE, reason);
    }

    private static List<UnitOption> readBack(String name, UnitFile file) throws InvalidUnitException {
        try {
            return file.readBack();
        } catch (InvalidUnitException e) {
            throw e.inUnit(name);
        }
    }

    private static void checkSize(String name, String text) throws InvalidUnitException {
        int bytes = text.length() > MAX_BYTES ? text.length() : text.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_BYTES) {
            throw new InvalidUnitException(
                    name, "contents", "the file has over " + MAX_BYTES / 1024 + " KiB, the most that is stored");
        }
    }

    private static void checkCombinations(String name, Requirements requirements) throws InvalidUnitException {
        for (String peer : requirements.peers()) {
            if (requirements.conflictsWith(peer)) {
                throw unresolvable(name, peer, FleetOptions.CONFLICTS);
            }
            if (requirements.replaces(peer)) {
                throw unresolvable(name, peer, FleetOptions.REPLACES);
            }
        }
        boolean machineId = requirements.machineId().isPresent();
        boolean peers = !requirements.peers().isEmpty();
        boolean conflicts = !requirements.conflicts().isEmpty();
        boolean replaces = !requirements.replaces().isEmpty();
        boolean global = requirements.global();
        exclude(name, FleetOptions.MACHINE_ID, machineId, FleetOptions.MACHINE_OF, peers);
        exclude(name, FleetOptions.MACHINE_ID, machineId, FleetOptions.CONFLICTS, conflicts);
        exclude(name, FleetOptions.MACHINE_ID, machineId, FleetOptions.GLOBAL, global);
        exclude(name, FleetOptions.MACHINE_ID, machineId, FleetOptions.REPLACES, replaces);
        exclude(name, FleetOptions.GLOBAL, global, FleetOptions.MACHINE_OF, peers);
        exclude(name, FleetOptions.GLOBAL, global, FleetOptions.REPLACES, replaces);
        exclude(name, FleetOptions.CONFLICTS, conflicts, FleetOptions.REPLACES, replaces);
        exclude(name, FleetOptions.GLOBAL, global, FleetOptions.FENCE, requirements.fence());
        exclude(name, FleetOptions.GLOBAL, global, FleetOptions.START_FIRST, requirements.startFirst());
        exclude(name, FleetOptions.FENCE, requirements.fence(), FleetOptions.START_FIRST, requirements.startFirst());
    }

    private static InvalidUnitException unresolvable(String name, String peer, String option) {
        return new InvalidUnitException(
                name,
                "[X-Fleet] MachineOf",
                Text.quote(peer) + " must be on the same machine, but " + option + " matches it");
    }

    private static void exclude(String name, String first, boolean hasFirst, String second, boolean hasSecond)
            throws InvalidUnitException {
        if (hasFirst && hasSecond) {
            throw new InvalidUnitException(
                    name, "[X-Fleet] " + first, "it can't be combined with " + second + "; drop one of them");
        }
    }
}
