package io.raftfleet.fleetctl.v1;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** From the API's documents to messages, and back. */
final class Rows {
    private Rows() {}

    static Unit unit(JsonNode document) {
        String name = document.path("name").asString("");
        UnitFile file = file(document);
        var unit = Unit.newBuilder()
                .setName(name)
                .setHash(file.hash().toByteString())
                .setTargetState(state(document.path("desiredState").asString("")))
                .setCurrentState(state(document.path("currentState").asString("")))
                .setMachineId(document.path("machineID").asString(""))
                .setGlobal(isGlobal(name, file))
                .setContents(UnitContents.newBuilder()
                        .setHash(file.hash().toByteString())
                        .setText(file.text()));
        document.path("vetoes").forEach(veto -> unit.addVetoes(Veto.newBuilder().setMessage(veto.asString(""))));
        document.path("warnings").forEach(warning -> unit.addWarnings(warning.asString("")));
        return unit.build();
    }

    private static UnitFile file(JsonNode document) {
        List<UnitOption> options = new ArrayList<>();
        for (JsonNode option : document.path("options")) {
            options.add(new UnitOption(
                    option.path("section").asString(""),
                    option.path("name").asString(""),
                    option.path("value").asString("")));
        }
        return UnitFile.of(options);
    }

    private static boolean isGlobal(String name, UnitFile file) {
        try {
            return Requirements.of(name, file).global();
        } catch (InvalidUnitException ofBefore) {
            List<String> values = file.values("X-Fleet", "Global");
            return !values.isEmpty()
                    && values.getLast().toLowerCase(Locale.ROOT).equals("true");
        }
    }

    /**
     * What a machine says of a unit.
     *
     * @param unit as far as it is known: the API does not say which state is launched, but of which unit
     */
    static UnitState state(JsonNode document, @Nullable Unit unit) {
        String machine = document.path("machineID").asString("");
        boolean launched = unit != null
                && (unit.getGlobal()
                        ? unit.getTargetState() == TargetState.TARGET_STATE_LAUNCHED
                        : unit.getCurrentState() == TargetState.TARGET_STATE_LAUNCHED
                                && unit.getMachineId().equals(machine));
        return UnitState.newBuilder()
                .setName(document.path("name").asString(""))
                .setMachineId(machine)
                .setLoadState(document.path("systemdLoadState").asString(""))
                .setActiveState(document.path("systemdActiveState").asString(""))
                .setSubState(document.path("systemdSubState").asString(""))
                .setHash(hash(document.path("hash").asString("")))
                .setLaunched(launched)
                .setPending(document.path("pending").asBoolean(false))
                .setError(document.path("reason").asString(""))
                .build();
    }

    private static ByteString hash(String hex) {
        try {
            return ByteString.copyFrom(HexFormat.of().parseHex(hex));
        } catch (IllegalArgumentException e) {
            return ByteString.EMPTY;
        }
    }

    static Machine machine(JsonNode document) {
        var machine = Machine.newBuilder()
                .setId(document.path("id").asString(""))
                .setPrimaryIp(document.path("primaryIP").asString(""))
                .setPresence(MachinePresence.MACHINE_PRESENCE_PRESENT);
        document.path("metadata")
                .properties()
                .forEach(pair ->
                        machine.putMetadata(pair.getKey(), pair.getValue().asString("")));
        return machine.build();
    }

    private static TargetState state(String word) {
        return switch (word) {
            case "inactive" -> TargetState.TARGET_STATE_INACTIVE;
            case "loaded" -> TargetState.TARGET_STATE_LOADED;
            case "launched" -> TargetState.TARGET_STATE_LAUNCHED;
            default -> TargetState.TARGET_STATE_UNSPECIFIED;
        };
    }

    /** The API's word; inactive for none. */
    static String word(TargetState state) {
        return switch (state) {
            case TARGET_STATE_LOADED -> "loaded";
            case TARGET_STATE_LAUNCHED -> "launched";
            default -> "inactive";
        };
    }

    /** A unit to be put. */
    static Map<String, Object> document(String name, UnitFile file, TargetState target) {
        return Map.of(
                "name",
                name,
                "desiredState",
                word(target),
                "options",
                file.options().stream()
                        .map(option ->
                                Map.of("section", option.section(), "name", option.name(), "value", option.value()))
                        .toList());
    }
}
