package io.raftfleet.chaos.mirror;

import io.raftfleet.client.FleetClient;
import io.raftfleet.etcd.testing.EtcdServer;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.databind.json.JsonMapper;

/** The keys that the mirror of a registry has, in the words of {@code docs/etcd.md}, and those that there are. */
public final class MirrorKeys {
    /** Where they are unless the engines are told otherwise. */
    public static final String PREFIX = "/raftfleet/";

    static final String WATERMARK = PREFIX + "watermark";

    private static final JsonMapper JSON = new JsonMapper();

    private MirrorKeys() {}

    /**
     * What etcd should have, from what clients are told.
     *
     * @param metadata what operators have set, by machine: clients are not told what of it is theirs
     */
    public static NavigableMap<String, String> expected(
            FleetClient client, Map<String, ? extends Map<String, String>> metadata) {
        var keys = new TreeMap<String, String>();
        var all = ListUnitsRequest.newBuilder().setWithContents(true).build();
        for (var unit : client.listUnits(all).rows()) {
            var hash = HexFormat.of().formatHex(unit.getHash().toByteArray());
            keys.put(PREFIX + "units/" + unit.getName(), unit(unit, hash));
            keys.put(
                    PREFIX + "contents/" + hash,
                    JSON.createObjectNode()
                            .put("text", unit.getContents().getText())
                            .toString());
            if (!unit.getSourceDigest().isEmpty()) {
                keys.put(
                        PREFIX + "sources/" + source(unit),
                        JSON.createObjectNode()
                                .put("text", unit.getContents().getSource())
                                .toString());
            }
            if (!unit.getMachineId().isEmpty()) {
                keys.put(
                        PREFIX + "schedule/" + unit.getName(),
                        JSON.createObjectNode()
                                .put("machine", unit.getMachineId())
                                .toString());
            }
        }
        metadata.forEach((machine, pairs) -> {
            var object = JSON.createObjectNode();
            var set = object.putObject("set");
            new TreeMap<>(pairs).forEach(set::put);
            object.putArray("removed");
            keys.put(PREFIX + "metadata/" + machine, object.toString());
        });
        return keys;
    }

    /** What etcd has, its watermark aside. */
    public static NavigableMap<String, String> actual(EtcdServer etcd) {
        var keys = etcd.dump(PREFIX);
        keys.remove(WATERMARK);
        return keys;
    }

    /** Where the two differ, key by key; empty when they are equal. */
    public static List<String> differences(Map<String, String> expected, Map<String, String> actual) {
        var keys = new TreeSet<>(expected.keySet());
        keys.addAll(actual.keySet());
        var found = new ArrayList<String>();
        for (var key : keys) {
            var should = String.valueOf(expected.get(key));
            var is = String.valueOf(actual.get(key));
            if (!should.equals(is)) {
                found.add(key + ": the registry has " + should + ", etcd " + is);
            }
        }
        return found;
    }

    private static String unit(Unit unit, String hash) {
        var object = JSON.createObjectNode()
                .put("hash", hash)
                .put("targetState", word(unit.getTargetState()))
                .put("startGeneration", unit.getStartGeneration())
                .put("global", unit.getGlobal());
        if (!unit.getSourceDigest().isEmpty()) {
            object.put("source", source(unit));
        }
        if (!unit.getChangedBy().isEmpty()) {
            object.put("changedBy", unit.getChangedBy()).put("changedAtMs", unit.getChangedAtMs());
        }
        return object.toString();
    }

    private static String source(Unit unit) {
        return HexFormat.of().formatHex(unit.getSourceDigest().toByteArray());
    }

    private static String word(TargetState state) {
        return switch (state) {
            case TARGET_STATE_INACTIVE -> "inactive";
            case TARGET_STATE_LOADED -> "loaded";
            case TARGET_STATE_LAUNCHED -> "launched";
            case TARGET_STATE_UNSPECIFIED, UNRECOGNIZED -> throw new IllegalStateException("no state: " + state);
        };
    }
}
