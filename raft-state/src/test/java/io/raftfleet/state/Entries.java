package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.FenceOver;
import io.raftfleet.proto.log.IdentityRevoked;
import io.raftfleet.proto.log.JoinTokenCreated;
import io.raftfleet.proto.log.JoinTokenRemoved;
import io.raftfleet.proto.log.JoinTokenUsed;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.MachineForgotten;
import io.raftfleet.proto.log.MachineLost;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.MachineTold;
import io.raftfleet.proto.log.OrphanDropped;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.RequestAnswered;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.SourceStored;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.TargetStateSet;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitDestroyed;
import io.raftfleet.proto.log.UnitFacts;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.log.UnitSourceSet;
import io.raftfleet.proto.log.UnitUnscheduled;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.proto.model.PrincipalKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.LegacyFacts;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Records as tests write them. */
final class Entries {
    static final String PLAIN = "[Service]\nExecStart=/bin/true\n";
    static final String OTHER = "[Service]\nExecStart=/bin/false\n";
    static final String GLOBAL_SSD =
            "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\nGlobal=true\nMachineMetadata=disk=ssd\n";

    private Entries() {}

    static Entry entry(Record... records) {
        return entryAt(1_000_000, records);
    }

    static Entry entryAt(long timeMs, Record... records) {
        return Entry.newBuilder()
                .setFormat(1)
                .setLeaderTimeMs(timeMs)
                .addAllRecords(List.of(records))
                .build();
    }

    static Record contents(String text) {
        return Record.newBuilder()
                .setContentsStored(ContentsStored.newBuilder()
                        .setContents(UnitContents.newBuilder()
                                .setHash(UnitHash.ofText(text).toByteString())
                                .setText(text)))
                .build();
    }

    static Record create(String name, String text, TargetState target, long replaces) {
        return Record.newBuilder()
                .setUnitCreated(UnitCreated.newBuilder()
                        .setName(name)
                        .setHash(UnitHash.ofText(text).toByteString())
                        .setTargetState(target)
                        .setReplacesVersion(replaces))
                .build();
    }

    static Record source(String text) {
        return Record.newBuilder()
                .setSourceStored(
                        SourceStored.newBuilder().setDigest(digest(text)).setText(text))
                .build();
    }

    /** @param text empty for what the contents are */
    static Record sourceSet(String name, long version, String text, String by) {
        return Record.newBuilder()
                .setUnitSourceSet(UnitSourceSet.newBuilder()
                        .setName(name)
                        .setVersion(version)
                        .setSourceDigest(text.isEmpty() ? ByteString.EMPTY : digest(text))
                        .setChangedBy(by))
                .build();
    }

    /** The same unit, from that file. */
    static Record from(Record created, String text) {
        var changed = created.toBuilder();
        changed.getUnitCreatedBuilder().setSourceDigest(digest(text));
        return changed.build();
    }

    /** The same change, by somebody who is known. */
    static Record by(Record record, String who) {
        var changed = record.toBuilder();
        if (record.hasUnitCreated()) {
            changed.getUnitCreatedBuilder().setChangedBy(who);
        } else {
            changed.getTargetStateSetBuilder().setChangedBy(who);
        }
        return changed.build();
    }

    private static ByteString digest(String text) {
        return UnitSource.toBytes(UnitSource.of(text).digest());
    }

    /** The same record, of a leader that wrote down what it read in the unit's file. */
    static Record withFacts(Record record) {
        if (record.hasUnitCreated()) {
            var created = record.getUnitCreated();
            return withFacts(record, facts(created.getName(), created.getHash()));
        }
        if (record.hasUnitRestored()) {
            var restored = record.getUnitRestored();
            return withFacts(record, facts(restored.getName(), restored.getHash()));
        }
        return record;
    }

    static Record withFacts(Record record, UnitFacts facts) {
        var changed = record.toBuilder();
        if (record.hasUnitCreated()) {
            changed.getUnitCreatedBuilder().setFacts(facts);
        } else {
            changed.getUnitRestoredBuilder().setFacts(facts);
        }
        return changed.build();
    }

    private static UnitFacts facts(String name, ByteString hash) {
        for (var text : List.of(PLAIN, OTHER, GLOBAL_SSD)) {
            if (UnitHash.ofText(text).toByteString().equals(hash)) {
                return LegacyFacts.of(name, text);
            }
        }
        throw new IllegalArgumentException("no text of these tests has the hash of " + name);
    }

    static Record target(String name, long version, TargetState target) {
        return target(name, version, target, false);
    }

    static Record target(String name, long version, TargetState target, boolean again) {
        return Record.newBuilder()
                .setTargetStateSet(TargetStateSet.newBuilder()
                        .setName(name)
                        .setVersion(version)
                        .setTargetState(target)
                        .setStartAgain(again))
                .build();
    }

    static Record schedule(String name, long version, String machine) {
        return Record.newBuilder()
                .setUnitScheduled(UnitScheduled.newBuilder()
                        .setName(name)
                        .setVersion(version)
                        .setMachineId(machine))
                .build();
    }

    static Record unschedule(String name, long version) {
        return Record.newBuilder()
                .setUnitUnscheduled(UnitUnscheduled.newBuilder().setName(name).setVersion(version))
                .build();
    }

    static Record destroy(String name, long version) {
        return Record.newBuilder()
                .setUnitDestroyed(UnitDestroyed.newBuilder().setName(name).setVersion(version))
                .build();
    }

    static Record expect(String machine) {
        return Record.newBuilder()
                .setMachineExpected(
                        MachineExpected.newBuilder().setMachineId(machine).putSetByOperators("disk", "ssd"))
                .build();
    }

    static Record await(String machine) {
        return Record.newBuilder()
                .setMachineExpected(
                        MachineExpected.newBuilder().setMachineId(machine).setAwaited(true))
                .build();
    }

    /** A machine that may run units yet that must never run twice. */
    static Record lostFenced(String machine, long epoch) {
        return Record.newBuilder()
                .setMachineLost(MachineLost.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(epoch)
                        .setFenced(true))
                .build();
    }

    static Record fenceOver(String machine, long epoch) {
        return Record.newBuilder()
                .setFenceOver(FenceOver.newBuilder().setMachineId(machine).setSessionEpoch(epoch))
                .build();
    }

    static Record told(String machine, long epoch, boolean complete, String... found) {
        return Record.newBuilder()
                .setMachineTold(MachineTold.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(epoch)
                        .addAllFound(List.of(found))
                        .setComplete(complete))
                .build();
    }

    static Record restore(String name, String text, long generation, String machine) {
        return Record.newBuilder()
                .setUnitRestored(UnitRestored.newBuilder()
                        .setName(name)
                        .setHash(UnitHash.ofText(text).toByteString())
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                        .setStartGeneration(generation)
                        .setMachineId(machine))
                .build();
    }

    static Record dropOrphan(String machine, String name) {
        return Record.newBuilder()
                .setOrphanDropped(
                        OrphanDropped.newBuilder().setMachineId(machine).setName(name))
                .build();
    }

    static Record open(String machine, long epoch, Map<String, String> metadata) {
        return Record.newBuilder()
                .setSessionOpened(SessionOpened.newBuilder()
                        .setMachineId(machine)
                        .setPrimaryIp("10.0.0.1")
                        .putAllMetadata(metadata)
                        .setSessionEpoch(epoch))
                .build();
    }

    static Record lost(String machine, long epoch) {
        return Record.newBuilder()
                .setMachineLost(MachineLost.newBuilder().setMachineId(machine).setSessionEpoch(epoch))
                .build();
    }

    static Record lostAt(String machine, long epoch, long lostMs) {
        return Record.newBuilder()
                .setMachineLost(MachineLost.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(epoch)
                        .setLostMs(lostMs))
                .build();
    }

    static Record marked(String machine, MachineMarkKind kind) {
        return marked(machine, kind, 0, 0);
    }

    static Record marked(String machine, MachineMarkKind kind, int parallel, long deadlineAfterMs) {
        return Record.newBuilder()
                .setMachineMarked(MachineMarked.newBuilder()
                        .setMachineId(machine)
                        .setKind(kind)
                        .setMaxParallel(parallel)
                        .setDeadlineAfterMs(deadlineAfterMs))
                .build();
    }

    static Record forgotten(String machine) {
        return Record.newBuilder()
                .setMachineForgotten(MachineForgotten.newBuilder().setMachineId(machine))
                .build();
    }

    static Record metadata(String machine, String key, String value) {
        return Record.newBuilder()
                .setMachineMetadataSet(MachineMetadataSet.newBuilder()
                        .setMachineId(machine)
                        .setKey(key)
                        .setValue(value))
                .build();
    }

    static UnitState state(String name, String active, boolean launched) {
        return UnitState.newBuilder()
                .setName(name)
                .setLoadState("loaded")
                .setActiveState(active)
                .setSubState("running")
                .setLaunched(launched)
                .build();
    }

    static Record report(String machine, long epoch, long sequence, UnitState... states) {
        return Record.newBuilder()
                .setStatesReported(StatesReported.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(epoch)
                        .setSequence(sequence)
                        .addAllStates(List.of(states)))
                .build();
    }

    static Record gone(String machine, long epoch, long sequence, String... names) {
        return Record.newBuilder()
                .setStatesReported(StatesReported.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(epoch)
                        .setSequence(sequence)
                        .addAllGone(List.of(names)))
                .build();
    }

    /** A report of all that a machine has. */
    static Record whole(String machine, long epoch, long sequence, UnitState... states) {
        var report = report(machine, epoch, sequence, states).toBuilder();
        IntStream.range(0, Digest.BUCKETS).forEach(report.getStatesReportedBuilder()::addWholeBuckets);
        return report.build();
    }

    static Record answered(String id, int first, int guarded, ItemCode code) {
        return Record.newBuilder()
                .setRequestAnswered(RequestAnswered.newBuilder()
                        .setRequestId(RequestId.newBuilder().setId(ByteString.copyFrom(id, StandardCharsets.UTF_8)))
                        .setFirstItem(first)
                        .addResults(ItemResult.newBuilder().setCode(code))
                        .setGuardedRecords(guarded))
                .build();
    }

    private static final ByteString SECRET_HASH = ByteString.copyFromUtf8("hash of the secret");

    static Principal agent(String machine) {
        return Principal.newBuilder()
                .setKind(PrincipalKind.PRINCIPAL_KIND_AGENT)
                .setName(machine)
                .build();
    }

    /** For whatever machine is new. */
    static Record tokenCreated(String id, int uses, long expiresMs) {
        return tokenCreated(id, agent(""), uses, expiresMs);
    }

    static Record tokenCreated(String id, Principal who, int uses, long expiresMs) {
        return Record.newBuilder()
                .setJoinTokenCreated(JoinTokenCreated.newBuilder()
                        .setId(id)
                        .setSecretHash(SECRET_HASH)
                        .setWho(who)
                        .setUses(uses)
                        .setExpiresMs(expiresMs)
                        .setCreatedBy("user/alice"))
                .build();
    }

    static Record tokenUsed(String id, String machine, int key) {
        return Record.newBuilder()
                .setJoinTokenUsed(JoinTokenUsed.newBuilder()
                        .setId(id)
                        .setSecretHash(SECRET_HASH)
                        .setWho(agent(machine))
                        .setKeyDigest(ByteString.copyFromUtf8("key " + key)))
                .build();
    }

    static Record tokenRemoved(String id) {
        return Record.newBuilder()
                .setJoinTokenRemoved(JoinTokenRemoved.newBuilder().setId(id))
                .build();
    }

    static Record revoked(String machine, long beforeMs) {
        return Record.newBuilder()
                .setIdentityRevoked(
                        IdentityRevoked.newBuilder().setWho(agent(machine)).setBeforeMs(beforeMs))
                .build();
    }
}
