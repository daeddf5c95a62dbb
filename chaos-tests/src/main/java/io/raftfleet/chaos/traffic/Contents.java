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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** The files that units have in a campaign: a new one a write, mostly. In a history they go by name. Safe for use by any thread. */
public final class Contents {
    /** What units that no client touches have. */
    public static final String STEADY = "steady";
    /** The same for those of which never two may run; they are deaf to SIGTERM, and so live as long as the fence lets them. */
    static final String FENCED = "fenced";
    /** What names of units with {@code Fence=true} begin with, and no others. */
    public static final String FENCED_NAMES = "f";

    /** What units that are made once and never touched again have. */
    static final String LEDGER = "ledger";

    private static final AtomicLong MADE = new AtomicLong();
    private static final Map<String, String> BY_HASH = new ConcurrentHashMap<>();

    static {
        for (var name : List.of(STEADY, FENCED, LEDGER)) {
            BY_HASH.put(hash(name), name);
        }
    }

    private Contents() {}

    /** A unit file that runs until it is stopped. */
    public static String text(String name) {
        var fence = name.startsWith(FENCED_NAMES) ? "\n[X-Fleet]\nFence=true\n" : "";
        var start = name.equals(FENCED) ? "/bin/sh -c 'trap \"\" TERM; exec sleep 1000000'" : "/bin/sleep 1000000";
        return "[Unit]\nDescription=" + name + "\n\n[Service]\nExecStart=" + start + "\n" + fence;
    }

    /** Contents for a unit that no write has had. */
    static String fresh(String unit) {
        var name = (unit.startsWith(FENCED_NAMES) ? FENCED_NAMES : "v") + MADE.incrementAndGet();
        BY_HASH.put(hash(name), name);
        return name;
    }

    /** The same file as {@link #text}. */
    static UnitFile file(String name) {
        try {
            return UnitFile.parse(text(name));
        } catch (InvalidUnitException e) {
            throw new IllegalStateException("unit file " + name + " is invalid", e);
        }
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
        return file(name).hash().toHex();
    }
}
