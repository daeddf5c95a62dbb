package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.proto.model.Veto;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How fleet writes the things of the registry. */
final class Words {
    private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})([smh]?)");
    private static final int SHORT_ID = 8;
    private static final int SHORT_HASH = 7;

    private Words() {}

    /** "inactive", "loaded", "launched"; empty when unspecified. */
    static String state(TargetState state) {
        return switch (state) {
            case TARGET_STATE_INACTIVE -> "inactive";
            case TARGET_STATE_LOADED -> "loaded";
            case TARGET_STATE_LAUNCHED -> "launched";
            default -> "";
        };
    }

    /** The current state; a unit that nothing was heard of yet counts as inactive. */
    static TargetState current(Unit unit) {
        return unit.getCurrentState() == TargetState.TARGET_STATE_UNSPECIFIED && !unit.getGlobal()
                ? TargetState.TARGET_STATE_INACTIVE
                : unit.getCurrentState();
    }

    /** The target state; unspecified counts as inactive. */
    static TargetState target(Unit unit) {
        return unit.getTargetState() == TargetState.TARGET_STATE_UNSPECIFIED
                ? TargetState.TARGET_STATE_INACTIVE
                : unit.getTargetState();
    }

    /** Whether systemd counts the unit as up, coming up or going down. */
    static boolean runs(UnitState state) {
        return switch (state.getActiveState()) {
            case "", "inactive", "failed" -> false;
            default -> true;
        };
    }

    /** Eight digits and an ellipsis, or the whole id. */
    static String machineId(String id, boolean full) {
        return full ? id : id.substring(0, Math.min(SHORT_ID, id.length())) + "...";
    }

    /** The id and, if known, the address: {@code 2444264c.../10.0.0.1}. */
    static String machine(String id, @Nullable Machine machine, boolean full) {
        String legend = machineId(id, full);
        return machine == null || machine.getPrimaryIp().isEmpty() ? legend : legend + "/" + machine.getPrimaryIp();
    }

    /** Seven digits, or all forty. */
    static String hash(ByteString hash, boolean full) {
        String hex = HexFormat.of().formatHex(hash.toByteArray());
        return full || hex.length() < SHORT_HASH ? hex : hex.substring(0, SHORT_HASH);
    }

    /** "restarted by systemd 4 times", since the unit was ordered to start; nothing when it never was, or that is not known. */
    static Optional<String> restarts(UnitState state) {
        long times = Integer.toUnsignedLong(state.getRestarts());
        return times == 0
                ? Optional.empty()
                : Optional.of("restarted by systemd " + (times == 1 ? "once" : times + " times"));
    }

    /** Who changed a unit last, or a dash. */
    static String changedBy(Unit unit) {
        return unit.getChangedBy().isEmpty() ? "-" : unit.getChangedBy();
    }

    /** When it was changed last, in UTC to the second, or a dash. */
    static String changedAt(Unit unit) {
        return unit.getChangedAtMs() == 0
                ? "-"
                : Instant.ofEpochMilli(unit.getChangedAtMs())
                        .truncatedTo(ChronoUnit.SECONDS)
                        .toString();
    }

    /** {@code key=value} pairs by key, or a dash. */
    static String metadata(Map<String, String> metadata) {
        return metadata.isEmpty()
                ? "-"
                : new TreeMap<>(metadata)
                        .entrySet().stream()
                                .map(e -> e.getKey() + "=" + e.getValue())
                                .collect(Collectors.joining(","));
    }

    /** What is wrong with a unit of before, a line each. */
    static List<String> warnings(Unit unit) {
        return unit.getWarningsList().stream()
                .map(warning -> "WARNING: Unit " + unit.getName() + ": " + warning)
                .toList();
    }

    /** Whether a machine is a place for units, in one word: "present", "lost", "cordoned", "draining", "drained". */
    static String placeOf(Machine machine) {
        boolean lost = machine.getPresence() == MachinePresence.MACHINE_PRESENCE_LOST;
        String mark = switch (machine.getMark().getKind()) {
            case MACHINE_MARK_KIND_CORDONED -> "cordoned";
            case MACHINE_MARK_KIND_DRAINING, MACHINE_MARK_KIND_ENDING -> "draining";
            case MACHINE_MARK_KIND_DRAINED -> "drained";
            default -> "";
        };
        return mark.isEmpty() ? (lost ? "lost" : "present") : (lost ? "lost," : "") + mark;
    }

    /** " since" and a time, in milliseconds of Unix time; empty when that is 0. */
    static String since(long millis) {
        return millis == 0 ? "" : " since " + time(millis);
    }

    /** A time to the second, in UTC; a dash for 0. */
    static String time(long millis) {
        return millis == 0
                ? "-"
                : Instant.ofEpochMilli(millis).truncatedTo(ChronoUnit.SECONDS).toString();
    }

    /**
     * "90", "90s", "15m" or "2h".
     *
     * @throws CommandException when it is none of that, or not more than nothing
     */
    static Duration duration(String text) {
        var matcher = DURATION.matcher(text);
        if (!matcher.matches() || Long.parseLong(matcher.group(1)) == 0) {
            throw CommandException.usage(
                    "\"" + text + "\" is no time from 1s to 999999999h: give seconds, or a number with s, m or h");
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "h" -> Duration.ofHours(number);
            case "m" -> Duration.ofMinutes(number);
            default -> Duration.ofSeconds(number);
        };
    }

    /** With a capital letter. */
    static String sentence(String text) {
        return text.isEmpty() ? text : Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    /** Why a unit is on no machine, in one line. */
    static String vetoes(Unit unit) {
        return unit.getVetoesCount() == 0
                ? "not placed yet"
                : unit.getVetoesList().stream().map(Veto::getMessage).collect(Collectors.joining("; "));
    }
}
