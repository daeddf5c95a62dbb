package io.raftfleet.unit.limits;

import static java.util.Map.entry;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import io.raftfleet.unit.Units;
import io.raftfleet.unit.limits.Limit.Kind;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The limit of every field that clients, agents, operators and engines send each other. One table, by the field's name; what
 * a name means in one message alone stands in a second one. The {@code .proto} files say the same beside each field; a test
 * compares them.
 */
public final class Limits {
    /** A unit's name, in bytes: it is the name of a file. */
    public static final int NAME_BYTES = 256;

    /** Text for people, such as an error or an answer, in bytes: cut there, with a mark. */
    public static final int MESSAGE_BYTES = 1024;

    /** Whoever makes a call, in words, in bytes. */
    public static final int CALLER_BYTES = 256;

    /** A key of a machine's metadata, and a value, in bytes. */
    public static final int METADATA_BYTES = 4096;

    /** All metadata of a machine, in bytes: keys and values, what it announces and what operators set. */
    public static final int ALL_METADATA_BYTES = 64 * 1024;

    /** Keys of one machine's metadata. */
    public static final int METADATA_KEYS = 1000;

    /** Items in one write. */
    public static final int ITEMS = 10_000;

    /** Items in one plan. */
    public static final int PLANNED = 1_000;

    /** States in one report, those that are gone counted too. */
    public static final int REPORT_STATES = 500;

    /** What the log takes of one report, in bytes. */
    public static final int REPORT_BYTES = 384 * 1024;

    /** Units in one frame of orders to an agent, those to be removed and orphans counted too. */
    public static final int ORDERS = 1000;

    /** Such a frame, in bytes: a name, a hash and some numbers a unit. */
    public static final int ORDERS_BYTES = 320 * 1024;

    /** Traces in such a frame. */
    public static final int UNIT_TRACES = 64;

    /** Units in one inventory of an agent, unless a single bucket of them holds more. */
    public static final int INVENTORY_UNITS = 1000;

    /** A unit file as it is written, in bytes; what is stored of it is at most {@link Units#MAX_BYTES}. */
    private static final int FILE_BYTES = 1 << 20;

    private static final int PAGE_ROWS = 10_000;
    private static final int BUCKETS = 64;
    private static final int MEMBERS = 32;
    private static final int MACHINE_UNITS = 200_000;
    private static final int LOG_BYTES = 64 * 1024;
    private static final int PEM_BYTES = 64 * 1024;

    private static final Limit NAME = Limit.one(Kind.LINE, NAME_BYTES);
    private static final Limit UNIT_NAME = Limit.one(Kind.UNIT_NAME, NAME_BYTES);
    private static final Limit MESSAGE = Limit.one(Kind.CUT, MESSAGE_BYTES);
    private static final Limit WORD = Limit.one(Kind.TOKEN, 64);
    private static final Limit ADDRESS = Limit.one(Kind.TOKEN, 512);
    private static final Limit HASH = Limit.one(Kind.HASH, 20);
    private static final Limit METADATA = Limit.one(Kind.LINE, METADATA_BYTES);
    private static final Limit MANY_BUCKETS = Limit.parts(BUCKETS);
    private static final Limit PATTERNS = Limit.one(Kind.LINE, 1024).times(ITEMS);

    private static final Map<String, Limit> BY_NAME = Map.ofEntries(
            entry("name", NAME),
            entry("unit", NAME),
            entry("unit_destroyed", NAME),
            entry("names", PATTERNS),
            entry("awaited", Limit.one(Kind.MACHINE_ID_OR_NONE, 32).times(20)),
            entry("machine_id", Limit.one(Kind.MACHINE_ID_OR_NONE, 32)),
            entry("hash", HASH),
            entry("hashes", HASH.times(100_000)),
            entry("text", Limit.one(Kind.TEXT, FILE_BYTES)),
            entry("token", Limit.one(Kind.TOKEN, 1024)),
            entry("next_token", Limit.one(Kind.TOKEN, 1024)),
            entry("key", METADATA),
            entry("value", METADATA),
            entry("metadata", new Limit(Kind.PARTS, ALL_METADATA_BYTES, METADATA_KEYS)),
            entry("load_state", Limit.one(Kind.LOAD_STATE, 32)),
            entry("active_state", Limit.one(Kind.ACTIVE_STATE, 32)),
            entry("sub_state", Limit.one(Kind.SUB_STATE, 32)),
            entry("version", WORD),
            entry("id", WORD),
            entry("engine_id", WORD),
            entry("from_engine_id", WORD),
            entry("leader_id", WORD),
            entry("cluster_id", WORD),
            entry("boot_id", WORD),
            entry("log_id", WORD),
            entry("output", WORD),
            entry("primary_ip", ADDRESS),
            entry("leader_grpc", ADDRESS),
            entry("raft_address", ADDRESS),
            entry("grpc_address", ADDRESS),
            entry("http_address", ADDRESS),
            entry("error", MESSAGE),
            entry("last_error", MESSAGE),
            entry("message", MESSAGE),
            entry("requirement", MESSAGE),
            entry("data", Limit.one(Kind.BYTES, LOG_BYTES)),
            entry("registry_digest", Limit.one(Kind.BYTES, 32)),
            entry("buckets", MANY_BUCKETS),
            entry("state_buckets", MANY_BUCKETS),
            entry("whole_buckets", MANY_BUCKETS),
            entry("assignments", MANY_BUCKETS),
            entry("units", Limit.parts(PAGE_ROWS)),
            entry("states", Limit.parts(PAGE_ROWS)),
            entry("machines", Limit.parts(PAGE_ROWS)),
            entry("events", Limit.parts(PAGE_ROWS)),
            entry("rollouts", Limit.parts(1000)),
            entry("group", NAME.times(1000)),
            entry("first_unit", NAME),
            entry("first_left_alone", NAME),
            entry("reason", MESSAGE),
            entry("results", Limit.parts(ITEMS)),
            entry("changes", new Limit(Kind.ITEMS, 0, ITEMS)),
            entry("patches", new Limit(Kind.ITEMS, 0, ITEMS)),
            entry("vetoes", Limit.parts(1000)),
            entry("warnings", MESSAGE.times(16)),
            entry("gone", UNIT_NAME.times(REPORT_STATES)),
            entry("set", Limit.parts(ORDERS)),
            entry("remove", UNIT_NAME.times(ORDERS)),
            entry("orphans", UNIT_NAME.times(ORDERS)),
            entry("held", UNIT_NAME.times(ORDERS)),
            entry("traces", Limit.parts(UNIT_TRACES)),
            entry("traceparent", WORD),
            entry("add", Limit.parts(MEMBERS)),
            entry("engines", Limit.parts(2 * MEMBERS)),
            entry("members", Limit.parts(2 * MEMBERS)),
            entry("token_id", WORD),
            entry("role", WORD),
            entry("secret", Limit.one(Kind.BYTES, 64)),
            entry("signing_request", Limit.one(Kind.BYTES, 4096)),
            entry("hosts", ADDRESS.times(16)),
            entry("certificate", Limit.one(Kind.TEXT, PEM_BYTES)),
            entry("authority", Limit.one(Kind.TEXT, PEM_BYTES)),
            entry("authority_key", Limit.one(Kind.TEXT, PEM_BYTES)),
            entry("created_by", Limit.one(Kind.LINE, CALLER_BYTES)),
            entry("changed_by", Limit.one(Kind.LINE, CALLER_BYTES)),
            entry("by", Limit.one(Kind.LINE, CALLER_BYTES)),
            entry("detail", MESSAGE),
            entry("source", Limit.one(Kind.TEXT, Units.MAX_BYTES)),
            entry("source_digest", Limit.one(Kind.BYTES, 32)),
            entry("used", Limit.parts(1000)),
            entry("tokens", Limit.parts(1000)),
            entry("removed_tokens", Limit.parts(1000)),
            entry("revoked", Limit.parts(10_000)));

    private static final Map<String, Limit> BY_FULL_NAME = Map.ofEntries(
            entry("raftfleet.model.UnitContents.text", Limit.one(Kind.TEXT, Units.MAX_BYTES)),
            entry("raftfleet.model.UnitState.name", UNIT_NAME),
            entry("raftfleet.model.Principal.name", Limit.one(Kind.TOKEN, 128)),
            entry("raftfleet.cluster.CreateTokenResponse.token", Limit.one(Kind.TOKEN, 4096)),
            entry("raftfleet.cluster.CreateLoginResponse.secret", WORD),
            entry("raftfleet.cluster.CreateLoginResponse.certificate_digest", Limit.one(Kind.BYTES, 32)),
            entry("raftfleet.model.Machine.id", Limit.one(Kind.MACHINE_ID, 32)),
            entry("raftfleet.fleet.RequestId.id", Limit.one(Kind.BYTES, 16)),
            entry("raftfleet.fleet.CreateUnitsRequest.units", new Limit(Kind.ITEMS, 0, ITEMS)),
            entry("raftfleet.fleet.StartRolloutRequest.units", new Limit(Kind.ITEMS, 0, ITEMS)),
            entry("raftfleet.fleet.DestroyUnitsRequest.names", new Limit(Kind.ITEMS, NAME_BYTES, ITEMS)),
            entry("raftfleet.fleet.MachinePatch.machine_id", Limit.one(Kind.MACHINE_ID, 32)),
            entry("raftfleet.fleet.WatchEvent.machine_forgotten", Limit.one(Kind.MACHINE_ID, 32)),
            entry("raftfleet.fleet.GetUnitResponse.states", Limit.parts(Limit.UNBOUNDED)),
            entry("raftfleet.fleet.PlanResponse.create", Limit.parts(PLANNED)),
            entry("raftfleet.fleet.PlanResponse.targets", Limit.parts(PLANNED)),
            entry("raftfleet.fleet.PlanResponse.machines", Limit.parts(PLANNED)),
            entry("raftfleet.fleet.PlanResponse.places", Limit.parts(PAGE_ROWS)),
            entry("raftfleet.fleet.PlannedPlace.machine_before", Limit.one(Kind.MACHINE_ID_OR_NONE, 32)),
            entry("raftfleet.fleet.PlannedPlace.machine_after", Limit.one(Kind.MACHINE_ID_OR_NONE, 32)),
            entry("raftfleet.fleet.PlannedPlace.reason", MESSAGE),
            entry("raftfleet.agent.Hello.machine_id", Limit.one(Kind.MACHINE_ID, 32)),
            entry("raftfleet.agent.StateReport.states", Limit.parts(REPORT_STATES)),
            entry("raftfleet.agent.BucketDigests.states", MANY_BUCKETS),
            entry("raftfleet.agent.AssignedUnit.name", UNIT_NAME),
            entry("raftfleet.agent.UnitTrace.name", UNIT_NAME),
            entry("raftfleet.agent.Inventory.units", Limit.parts(MACHINE_UNITS)),
            entry("raftfleet.cluster.ListOrphansResponse.orphans", Limit.parts(Limit.UNBOUNDED)),
            entry("raftfleet.cluster.ChangeMembersRequest.remove", WORD.times(MEMBERS)),
            entry("raftfleet.cluster.BackupChunk.data", Limit.one(Kind.BYTES, 1 << 20)),
            entry("raftfleet.cluster.BackupRow.key", Limit.one(Kind.BYTES, 1024)),
            entry("raftfleet.cluster.BackupRow.value", Limit.one(Kind.BYTES, 1 << 20)));

    private Limits() {}

    /** The limit of a field that can be of any size; null for numbers, and for single messages, whose fields have limits. */
    public static @Nullable Limit of(FieldDescriptor field) {
        boolean sized = field.isRepeated()
                || field.getJavaType() == JavaType.STRING
                || field.getJavaType() == JavaType.BYTE_STRING;
        if (!sized) {
            return null;
        }
        Limit own = BY_FULL_NAME.get(field.getFullName());
        return own != null ? own : BY_NAME.get(field.getName());
    }
}
