package io.raftfleet.engine.control;

import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import io.raftfleet.unit.Units;
import io.raftfleet.unit.limits.Limits;
import io.raftfleet.unit.limits.MessageCheck;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Turns requests into items. What needs no registry, parsing and validation above all, is done here, on the caller's
 * thread, so that the decision thread has only decisions to take.
 */
final class Items {
    /** How much of a faulty name an answer shows, in bytes. */
    private static final int SHOWN = 80;

    private Items() {}

    /** @param by who asks for it, as {@code Unit.changed_by} has it */
    static List<Item> of(CreateUnitsRequest request, String by) {
        Map<String, Read> read = new HashMap<>();
        return request.getUnitsList().stream()
                .map(unit -> create(unit, request, read, by))
                .toList();
    }

    /** @param by who asks for it, as {@code Unit.changed_by} has it */
    static List<Item> of(SetTargetStatesRequest request, String by) {
        return request.getChangesList().stream()
                .map(change -> target(change, by))
                .toList();
    }

    /** @param by who asks for it, as {@code Unit.changed_by} has it */
    static List<Item> destroy(List<String> names, String by) {
        return names.stream().map(name -> destroy(name, by)).toList();
    }

    /** @param by who asks for it, as {@code Unit.changed_by} has it */
    static List<Item> of(PatchMachinesRequest request, String by) {
        return request.getPatchesList().stream().map(patch -> patch(patch, by)).toList();
    }

    /** A file of which many units of a request may be made. */
    private record Read(UnitFile file, @Nullable UnitSource source) {
        static Read of(String text, boolean optionsOnly) throws InvalidUnitException {
            var file = UnitFile.parse(text);
            return new Read(file, optionsOnly ? null : UnitSource.of(text, file));
        }
    }

    private static Item create(NewUnit unit, CreateUnitsRequest request, Map<String, Read> known, String by) {
        var name = unit.getName();
        var fault = MessageCheck.fault(unit);
        if (fault != null) {
            return invalid("unit", name, fault);
        }
        if (unit.getTargetState() == TargetState.UNRECOGNIZED) {
            return Item.invalid("unit " + name + ": unknown target state " + unit.getTargetStateValue());
        }
        if (!unit.getText().isEmpty() || unit.getHash().isEmpty()) {
            try {
                var read = known.get(unit.getText());
                if (read == null) {
                    read = Read.of(unit.getText(), request.getOptionsOnly());
                    known.put(unit.getText(), read);
                }
                Units.validate(name, read.file());
                var submission =
                        new Submission(name, read.file(), read.source(), Requirements.of(name, read.file()), by);
                boolean wholeFile = !request.getOptionsOnly();
                return (draft, out) -> create(unit, request.getReplace(), wholeFile, submission, draft, out);
            } catch (InvalidUnitException e) {
                return Item.invalid(String.valueOf(e.inUnit(name).getMessage()));
            }
        }
        if (unit.getHash().size() != UnitHash.BYTES) {
            return Item.invalid(
                    "unit " + name + ": the hash has " + unit.getHash().size() + " bytes, not " + UnitHash.BYTES);
        }
        var hash = UnitHash.from(unit.getHash());
        return (draft, out) -> {
            String text = draft.contents(hash);
            if (text == null) {
                return Item.result(
                        ItemCode.ITEM_CODE_NOT_FOUND,
                        "unit " + name + ": the cluster has no contents of hash " + hash.toHex() + ": send the text");
            }
            try {
                var file = UnitFile.stored(text);
                Units.validate(name, file);
                var submission =
                        new Submission(name, file, ofTemplate(name, hash, draft), Requirements.of(name, file), by);
                return create(unit, request.getReplace(), false, submission, draft, out);
            } catch (InvalidUnitException e) {
                return Item.result(
                        ItemCode.ITEM_CODE_INVALID,
                        String.valueOf(e.inUnit(name).getMessage()));
            }
        };
    }

    /** The file as it was submitted of the template that an instance is made of; null when there is none, or it has other contents. */
    private static @Nullable UnitSource ofTemplate(String name, UnitHash hash, Draft draft) {
        var template = Templates.of(name);
        var unit = template == null ? null : draft.unit(template);
        return unit == null || !unit.hash().equals(hash) ? null : draft.source(unit);
    }

    /** @param wholeFile whether what is submitted says what file the unit is to have, besides its options */
    static ItemResult create(
            NewUnit unit, boolean replace, boolean wholeFile, Submission submission, Draft draft, List<Record> out) {
        var name = unit.getName();
        var before = draft.unit(name);
        var target = unit.getTargetState();
        if (target == TargetState.TARGET_STATE_UNSPECIFIED) {
            target = before == null ? TargetState.TARGET_STATE_INACTIVE : before.target();
        }
        if (target != TargetState.TARGET_STATE_INACTIVE && Templates.isTemplate(name)) {
            return Templates.refusal(name);
        }
        if (before != null && before.hash().equals(submission.file().hash())) {
            return replace && wholeFile && draft.differs(before, submission.source())
                    ? replaceSource(before, submission, target, draft, out)
                    : Item.unchanged("unit " + name + " exists with the same contents");
        }
        if (before != null && !replace) {
            return Item.result(
                    ItemCode.ITEM_CODE_ALREADY_EXISTS,
                    "unit " + name + " exists with other contents ("
                            + before.hash().abbreviated() + "): ask to replace it, or destroy it first");
        }
        var circular = draft.circular(name, submission.wants());
        if (circular != null) {
            return Item.result(ItemCode.ITEM_CODE_REFUSED, circular);
        }
        var orphan = before == null ? draft.runsAsOrphan(name, submission.wants(), null) : null;
        if (orphan != null) {
            return Item.result(ItemCode.ITEM_CODE_REFUSED, orphan);
        }
        var unread = draft.unread(submission);
        if (unread != null) {
            return Item.result(ItemCode.ITEM_CODE_REFUSED, unread);
        }
        var full = draft.takeRoom(before, submission);
        if (full != null) {
            return Budget.refusal(full);
        }
        draft.create(before, submission, target, out);
        return before == null ? Item.OK : Item.REPLACED;
    }

    /** The same options in another file: nothing is started again for its comments. */
    private static ItemResult replaceSource(
            UnitRecord before, Submission submission, TargetState target, Draft draft, List<Record> out) {
        var full = draft.takeRoom(before, submission.source());
        if (full != null) {
            return Budget.refusal(full);
        }
        draft.replaceSource(before, submission.source(), submission.by(), out);
        if (target != before.target()) {
            draft.target(Objects.requireNonNull(draft.unit(before.name())), target, false, submission.by(), out);
        }
        return Item.REPLACED;
    }

    private static Item target(TargetStateChange change, String by) {
        var name = change.getName();
        var fault = MessageCheck.fault(change);
        if (fault != null) {
            return invalid("unit", name, fault);
        }
        var target = change.getTargetState();
        if (target == TargetState.TARGET_STATE_UNSPECIFIED || target == TargetState.UNRECOGNIZED) {
            return Item.invalid("unit " + name + ": target state " + change.getTargetStateValue()
                    + " is none of inactive, loaded, launched");
        }
        boolean startAgain = change.getStartAgain();
        if (startAgain && target != TargetState.TARGET_STATE_LAUNCHED) {
            return Item.invalid("unit " + name + ": only a launched unit can be started again");
        }
        boolean stopAgain = change.getStopAgain();
        if (stopAgain && target != TargetState.TARGET_STATE_LOADED) {
            return Item.invalid("unit " + name + ": only a unit that is to be loaded can be stopped again");
        }
        return (draft, out) -> {
            var unit = draft.unit(name);
            if (unit == null) {
                return Item.notFound(name);
            }
            if (target != TargetState.TARGET_STATE_INACTIVE && Templates.isTemplate(name)) {
                return Templates.refusal(name);
            }
            if (unit.target() == target && !startAgain && !stopAgain) {
                return Item.unchanged("unit " + name + " has that target state");
            }
            if (unit.target() == target && stopAgain) {
                // Machines see what an entry leaves behind: the same target, of a later generation, which asks for one
                // more stop.
                draft.target(unit, TargetState.TARGET_STATE_LAUNCHED, true, by, out);
                unit = Objects.requireNonNull(draft.unit(name));
            }
            draft.target(unit, target, startAgain, by, out);
            return Item.OK;
        };
    }

    private static Item destroy(String name, String by) {
        var fault = MessageCheck.nameFault(name);
        if (fault != null) {
            return invalid("unit", name, "name: " + fault);
        }
        return (draft, out) -> {
            var unit = draft.unit(name);
            if (unit == null) {
                return Item.notFound(name);
            }
            draft.destroy(unit, by, out);
            return Item.OK;
        };
    }

    private static Item patch(MachinePatch patch, String by) {
        var fault = MessageCheck.fault(patch);
        if (patch.hasOrder()) {
            return fault == null ? MachineOrders.item(patch, by) : invalid("machine", patch.getMachineId(), fault);
        }
        if (fault == null && patch.getKey().isEmpty()) {
            fault = "key: it is empty";
        }
        if (fault != null) {
            return invalid("machine", patch.getMachineId(), fault);
        }
        return (draft, out) -> {
            var machine = draft.machine(patch.getMachineId());
            if (machine == null) {
                return Item.result(
                        ItemCode.ITEM_CODE_NOT_FOUND,
                        "machine " + patch.getMachineId()
                                + " is unknown: its metadata can be set once its agent has been here");
            }
            if (!patch.hasValue() && removesNothing(machine, patch.getKey(), draft)) {
                return Item.OK;
            }
            var tooMuch = patch.hasValue() ? tooMuch(machine, patch) : null;
            if (tooMuch != null) {
                return Item.result(ItemCode.ITEM_CODE_REFUSED, tooMuch);
            }
            var full = draft.takeRoom(machine, patch);
            if (full != null) {
                return Budget.refusal(full);
            }
            draft.patch(machine, patch, by, out);
            return Item.OK;
        };
    }

    /** Whether a machine has no such key: neither its agent nor an operator gave it one, or an operator has removed it for good. */
    private static boolean removesNothing(MachineRecord machine, String key, Draft draft) {
        var said = machine.operators().get(key);
        return said == null ? !machine.announced().containsKey(key) : said.isEmpty() && !draft.drops(machine, key);
    }

    /** Why a value would make what operators say of a machine too large; null when it does not, or makes it smaller. */
    private static @Nullable String tooMuch(MachineRecord machine, MachinePatch patch) {
        var before = machine.operators();
        long bytes = SafeText.bytes(patch.getKey()) + SafeText.bytes(patch.getValue());
        int keys = before.size() + (before.containsKey(patch.getKey()) ? 0 : 1);
        long bytesBefore = 0;
        for (var entry : before.entrySet()) {
            long size = SafeText.bytes(entry.getKey())
                    + entry.getValue().map(SafeText::bytes).orElse(0L);
            bytesBefore += size;
            bytes += entry.getKey().equals(patch.getKey()) ? 0 : size;
        }
        if ((keys <= Limits.METADATA_KEYS || keys == before.size())
                && (bytes <= Limits.ALL_METADATA_BYTES || bytes <= bytesBefore)) {
            return null;
        }
        return "machine " + machine.id() + ": operators' metadata would have " + keys + " keys and " + bytes
                + " bytes; at most " + Limits.METADATA_KEYS + " keys and " + Limits.ALL_METADATA_BYTES
                + " bytes are kept a machine, with the keys of its agent that they removed: remove one of theirs, or change its value";
    }

    static Item invalid(String what, String name, String fault) {
        return Item.invalid(what + " " + SafeText.cut(SafeText.escape(name), SHOWN) + ": " + fault);
    }
}
