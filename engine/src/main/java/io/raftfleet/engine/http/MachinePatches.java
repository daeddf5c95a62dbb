package io.raftfleet.engine.http;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.MachinePatch;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The JSON Patch of {@code PATCH /machines}: {@code add}, {@code replace} and {@code remove} on
 * {@code /<machine id>/metadata/<key>}. fleet's documentation gives the value as a string while its code reads
 * {@code {"value": "…"}}; both are taken.
 */
final class MachinePatches {
    /** As many as one call to the registry may hold. */
    private static final int MAX_OPERATIONS = 10_000;

    private static final Pattern PATH = Pattern.compile("/([^/]+)/metadata/([A-Za-z0-9_.-]+)");

    private MachinePatches() {}

    private record Operation(
            @Nullable String op,
            @Nullable String path,
            @Nullable JsonNode value) {}

    /**
     * Reads and checks all operations.
     *
     * @throws HttpProblem 400 naming the first operation that can't be done
     */
    static List<MachinePatch> read(ByteString body) {
        Operation[] operations = Json.read(body, Operation[].class);
        if (operations.length > MAX_OPERATIONS) {
            throw new HttpProblem(
                    400, operations.length + " operations in one patch; at most " + MAX_OPERATIONS + " are done");
        }
        List<MachinePatch> patches = new ArrayList<>(operations.length);
        for (Operation operation : operations) {
            patches.add(patch(patches.size(), operation));
        }
        return patches;
    }

    private static MachinePatch patch(int index, @Nullable Operation operation) {
        String op = operation == null || operation.op() == null ? "" : operation.op();
        String path = operation == null || operation.path() == null ? "" : operation.path();
        if (!op.equals("add") && !op.equals("replace") && !op.equals("remove")) {
            throw problem(index, "op \"" + op + "\" is unknown; it is one of add, remove, replace");
        }
        Matcher parts = PATH.matcher(path);
        if (!parts.matches()) {
            throw problem(index, "path \"" + path + "\" is invalid; it is /<machine id>/metadata/<key>");
        }
        MachinePatch.Builder patch =
                MachinePatch.newBuilder().setMachineId(parts.group(1)).setKey(parts.group(2));
        if (!op.equals("remove")) {
            String value = value(operation == null ? null : operation.value());
            if (value.isEmpty()) {
                throw problem(index, "value is missing, empty or no string; " + op + " needs one");
            }
            patch.setValue(value);
        }
        return patch.build();
    }

    private static String value(@Nullable JsonNode node) {
        JsonNode value = node != null && node.isObject() ? node.get("value") : node;
        return value != null && value.isString() ? value.stringValue() : "";
    }

    private static HttpProblem problem(int index, String what) {
        return new HttpProblem(400, "patch operation " + index + ": " + what);
    }
}
