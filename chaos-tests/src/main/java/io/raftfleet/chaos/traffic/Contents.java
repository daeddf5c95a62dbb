package io.raftfleet.chaos.traffic;

import com.google.protobuf.ByteString;
import io.raftfleet.chaos.history.Event.Row;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitFile;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The few files that units have in a campaign. In a history they go by name. */
public final class Contents {
    /** What units that no client touches have. */
    public static final String STEADY = "steady";
    /** Contents to choose from. */
    static final List<String> VARIANTS = List.of("v1", "v2", "v3");

    private static final Map<String, String> BY_HASH = java.util.stream.Stream.concat(
                    VARIANTS.stream(), java.util.stream.Stream.of(STEADY))
            .collect(Collectors.toMap(Contents::hash, name -> name));

    private Contents() {}

    /** A unit file that runs until it is stopped. */
    public static String text(String name) {
        return "[Unit]\nDescription=" + name + "\n\n[Service]\nExecStart=/bin/sleep 1000000\n";
    }

    static String name(ByteString hash) {
        var hex = HexFormat.of().formatHex(hash.toByteArray());
        return BY_HASH.getOrDefault(hex, hex);
    }

    /** As a history has it. */
    public static Row row(Unit unit) {
        return new Row(unit.getName(), name(unit.getHash()), word(unit.getTargetState()), unit.getMachineId());
    }

    static String word(TargetState target) {
        return target.name().substring("TARGET_STATE_".length()).toLowerCase(Locale.ROOT);
    }

    static TargetState target(String word) {
        return TargetState.valueOf("TARGET_STATE_" + word.toUpperCase(Locale.ROOT));
    }

    private static String hash(String name) {
        try {
            return UnitFile.parse(text(name)).hash().toHex();
        } catch (InvalidUnitException e) {
            throw new IllegalStateException("unit file " + name + " is invalid", e);
        }
    }
}
