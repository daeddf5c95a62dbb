package io.raftfleet.etcd;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.raftfleet.proto.model.MachineMark;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Values of the mirror's keys: JSON objects, one a key, the same bytes for the same fact, so that comparing bytes compares
 * facts. Fields that are not known are ignored.
 */
final class Documents {
    /** What is larger as a JSON string, by its escapes, is stored in base 64. */
    private static final int MAX_PLAIN = 512 * 1024;

    private static final String STATE_PREFIX = "TARGET_STATE_";
    private static final String MARK_PREFIX = "MACHINE_MARK_KIND_";

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** A value that is none of ours. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1;

        Malformed(String why) {
            super(why);
        }
    }

    private Documents() {}

    static ByteString write(MirrorValue value) {
        var object = MAPPER.createObjectNode();
        switch (value) {
            case MirrorValue.Contents contents -> putText(object, contents.text());
            case MirrorValue.Source source -> putText(object, source.text());
            case MirrorValue.Unit unit -> {
                object.put("hash", unit.hash())
                        .put("targetState", name(unit.target()))
                        .put("startGeneration", unit.startGeneration())
                        .put("global", unit.global());
                if (!unit.source().isEmpty()) {
                    object.put("source", unit.source());
                }
                if (!unit.changedBy().isEmpty()) {
                    object.put("changedBy", unit.changedBy()).put("changedAtMs", unit.changedAtMs());
                }
            }
            case MirrorValue.Schedule schedule -> object.put("machine", schedule.machineId());
            case MirrorValue.Metadata metadata -> {
                var set = object.putObject("set");
                new TreeMap<>(metadata.set()).forEach(set::put);
                var removed = object.putArray("removed");
                metadata.removed().stream().sorted().forEach(removed::add);
                if (metadata.mark().getKind() != MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED) {
                    object.putObject("mark")
                            .put("kind", name(metadata.mark().getKind()))
                            .put("sinceMs", metadata.mark().getSinceMs())
                            .put("maxParallel", metadata.mark().getMaxParallel())
                            .put("deadlineMs", metadata.mark().getDeadlineMs());
                }
            }
        }
        return UnsafeByteOperations.unsafeWrap(MAPPER.writeValueAsBytes(object));
    }

    private static void putText(ObjectNode object, String text) {
        if (MAPPER.writeValueAsBytes(object.put("text", text)).length > MAX_PLAIN) {
            object.remove("text");
            object.put("base64", Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)));
        }
    }

    /** Reads a value of a kind; contents and files must have the hash that their key says. */
    static MirrorValue read(MirrorValue.Kind kind, String id, ByteString bytes) throws Malformed {
        var object = object(bytes);
        return switch (kind) {
            case CONTENTS -> contents(id, object);
            case SOURCE -> source(id, object);
            case UNIT ->
                new MirrorValue.Unit(
                        hash(text(object, "hash")),
                        target(text(object, "targetState")),
                        object.path("startGeneration").asLong(0),
                        object.path("global").asBoolean(false),
                        object.path("source").asString(""),
                        object.path("changedBy").asString(""),
                        object.path("changedAtMs").asLong(0));
            case SCHEDULE -> new MirrorValue.Schedule(text(object, "machine"));
            case METADATA -> metadata(object);
        };
    }

    static ByteString write(Watermark watermark) {
        return UnsafeByteOperations.unsafeWrap(MAPPER.writeValueAsBytes(watermark));
    }

    /** Reads a watermark; null when it is none. */
    static @Nullable Watermark watermark(ByteString bytes) {
        try {
            var read = MAPPER.readValue(bytes.toByteArray(), Watermark.class);
            if (read == null || read.cluster() == null || read.incarnation() == null) {
                return null;
            }
            long unused = read.incarnationNumber();
            return unused == 0 ? null : read;
        } catch (JacksonException | NumberFormatException e) {
            return null;
        }
    }

    private static String anyText(ObjectNode object) throws Malformed {
        try {
            return object.has("base64")
                    ? new String(Base64.getDecoder().decode(text(object, "base64")), StandardCharsets.UTF_8)
                    : text(object, "text");
        } catch (IllegalArgumentException e) {
            throw new Malformed("\"base64\" is not base 64");
        }
    }

    private static MirrorValue source(String id, ObjectNode object) throws Malformed {
        var source = UnitSource.of(anyText(object));
        if (!source.digest().equals(id)) {
            throw new Malformed("the text has the digest " + source.digest());
        }
        return new MirrorValue.Source(source.text());
    }

    private static MirrorValue contents(String id, ObjectNode object) throws Malformed {
        String text = anyText(object);
        if (!UnitHash.ofText(text).toHex().equals(id)) {
            throw new Malformed("the text has the hash " + UnitHash.ofText(text).toHex());
        }
        return new MirrorValue.Contents(text);
    }

    private static MirrorValue metadata(ObjectNode object) throws Malformed {
        Map<String, String> set = new TreeMap<>();
        for (var property : object.path("set").properties()) {
            if (!property.getValue().isString()) {
                throw new Malformed("\"set\" has a value that is no string");
            }
            set.put(property.getKey(), property.getValue().stringValue());
        }
        List<String> removed = new ArrayList<>();
        for (JsonNode key : object.path("removed")) {
            if (!key.isString()) {
                throw new Malformed("\"removed\" has a key that is no string");
            }
            removed.add(key.stringValue());
        }
        return new MirrorValue.Metadata(set, removed, mark(object.path("mark")));
    }

    private static MachineMark mark(JsonNode node) throws Malformed {
        if (node.isMissingNode()) {
            return MachineMark.getDefaultInstance();
        }
        return MachineMark.newBuilder()
                .setKind(markKind(node.path("kind").asString("")))
                .setSinceMs(node.path("sinceMs").asLong(0))
                .setMaxParallel(node.path("maxParallel").asInt(0))
                .setDeadlineMs(node.path("deadlineMs").asLong(0))
                .build();
    }

    private static String name(MachineMarkKind kind) {
        return kind.name().substring(MARK_PREFIX.length()).toLowerCase(Locale.ROOT);
    }

    private static MachineMarkKind markKind(String name) throws Malformed {
        for (var kind : MachineMarkKind.values()) {
            if (kind != MachineMarkKind.UNRECOGNIZED && name(kind).equals(name)) {
                return kind;
            }
        }
        throw new Malformed("\"mark\" has a kind that is none of cordoned, draining, ending, drained");
    }

    private static ObjectNode object(ByteString bytes) throws Malformed {
        try {
            if (MAPPER.readTree(bytes.toByteArray()) instanceof ObjectNode object) {
                return object;
            }
        } catch (JacksonException e) {
            throw new Malformed("it is no JSON: " + e.getOriginalMessage());
        }
        throw new Malformed("it is no JSON object");
    }

    private static String text(ObjectNode object, String field) throws Malformed {
        var value = object.path(field);
        if (!value.isString()) {
            throw new Malformed("\"" + field + "\" is no string");
        }
        return value.stringValue();
    }

    private static String hash(String hex) throws Malformed {
        try {
            return UnitHash.fromHex(hex).toHex();
        } catch (IllegalArgumentException e) {
            throw new Malformed("\"hash\" is no hash");
        }
    }

    private static String name(TargetState state) {
        return state.name().substring(STATE_PREFIX.length()).toLowerCase(Locale.ROOT);
    }

    private static TargetState target(String name) throws Malformed {
        return switch (name) {
            case "inactive" -> TargetState.TARGET_STATE_INACTIVE;
            case "loaded" -> TargetState.TARGET_STATE_LOADED;
            case "launched" -> TargetState.TARGET_STATE_LAUNCHED;
            default -> throw new Malformed("\"targetState\" is none of inactive, loaded, launched");
        };
    }
}
