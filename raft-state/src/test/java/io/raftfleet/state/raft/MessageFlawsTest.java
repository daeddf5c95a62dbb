package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.FileChunkProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto.NotificationProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto.SnapshotChunkProto;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteRequestProto;
import org.apache.ratis.proto.RaftProtos.StartLeaderElectionRequestProto;
import org.apache.ratis.proto.RaftProtos.StateMachineLogEntryProto;
import org.apache.ratis.proto.RaftProtos.TermIndexProto;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessageFlawsTest {
    private static final String TRANSFER = "123e4567-e89b-12d3-a456-426614174000";

    private static RequestVoteRequestProto vote(long term) {
        return RequestVoteRequestProto.newBuilder().setCandidateTerm(term).build();
    }

    private static LogEntryProto entry(long term, long index, int bytes) {
        return LogEntryProto.newBuilder()
                .setTerm(term)
                .setIndex(index)
                .setStateMachineLogEntry(
                        StateMachineLogEntryProto.newBuilder().setLogData(ByteString.copyFrom(new byte[bytes])))
                .build();
    }

    private static AppendEntriesRequestProto append(long term, LogEntryProto... entries) {
        return AppendEntriesRequestProto.newBuilder()
                .setLeaderTerm(term)
                .setLeaderCommit(-1)
                .addAllEntries(List.of(entries))
                .build();
    }

    private static InstallSnapshotRequestProto install(String transfer, String file, long offset) {
        return InstallSnapshotRequestProto.newBuilder()
                .setLeaderTerm(4)
                .setSnapshotChunk(SnapshotChunkProto.newBuilder()
                        .setRequestId(transfer)
                        .setTermIndex(TermIndexProto.newBuilder().setTerm(3).setIndex(17))
                        .addFileChunks(
                                FileChunkProto.newBuilder().setFilename(file).setOffset(offset)))
                .build();
    }

    @Test
    void termsWithinACenturyOfElectionsAreTakenAndOthersNot() {
        assertThat(MessageFlaws.in(vote(1), 0)).isNull();
        assertThat(MessageFlaws.in(vote(1), 5))
                .as("an old candidate is told so by Raft")
                .isNull();
        assertThat(MessageFlaws.in(vote(5 + (1L << 32)), 5)).isNull();
        assertThat(MessageFlaws.in(vote(6 + (1L << 32)), 5)).contains("out of reach");
        assertThat(MessageFlaws.in(vote(Long.MAX_VALUE), 5)).contains("out of reach");
        assertThat(MessageFlaws.in(vote(-1), 5)).contains("18446744073709551615");
        assertThat(MessageFlaws.in(append(Long.MAX_VALUE), 5)).contains("out of reach");
        assertThat(MessageFlaws.in(
                        StartLeaderElectionRequestProto.newBuilder()
                                .setLeaderLastEntry(TermIndexProto.newBuilder().setTerm(Long.MIN_VALUE))
                                .build(),
                        5))
                .contains("out of reach");
        assertThat(MessageFlaws.in(
                        InstallSnapshotRequestProto.newBuilder()
                                .setLeaderTerm(1L << 40)
                                .build(),
                        5))
                .contains("out of reach");
    }

    @Test
    void entriesAreConsecutiveOfTheirLeadersTermAtMostAndNoLargerThanAnEngineWrites() {
        assertThat(MessageFlaws.in(append(4), 4)).isNull();
        assertThat(MessageFlaws.in(
                        append(4, entry(3, 0, 1), entry(3, 1, RaftConfig.MAX_ENTRY_BYTES), entry(4, 2, 0)), 4))
                .isNull();
        assertThat(MessageFlaws.in(append(4, entry(3, 7, RaftConfig.MAX_ENTRY_BYTES + 1)), 4))
                .contains("1048577");
        assertThat(MessageFlaws.in(append(4, entry(5, 7, 1)), 4)).contains("term 5");
        assertThat(MessageFlaws.in(append(4, entry(3, -1, 1)), 4)).contains("18446744073709551615");
        assertThat(MessageFlaws.in(append(4, entry(3, 7, 1), entry(3, 9, 1)), 4))
                .contains("consecutive");
        assertThat(MessageFlaws.in(append(4, entry(3, 7, 1), entry(2, 8, 1)), 4))
                .contains("consecutive");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sm/3_17/CURRENT",
                "sm/3_17/000012.sst",
                "sm/3_17/MANIFEST-000005",
                "sm/3_17/checkpoint.properties"
            })
    void aCheckpointsFilesAreTaken(String file) {
        assertThat(MessageFlaws.in(install(TRANSFER, file, 0), 4)).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "CURRENT",
                "/etc/passwd",
                "sm/CURRENT",
                "sm/3_18/CURRENT",
                "sm/3_17/..",
                "sm/3_17/../3_16/CURRENT",
                "sm/3_17/../../current/raft-meta",
                "sm/3_17/a/b",
                "sm/3_17/.hidden",
                "sm/3_17/",
                "sm/3_17/a\nb",
                "current/log_inprogress_0",
                "../sm/3_17/CURRENT"
            })
    void filesElsewhereAreNot(String file) {
        assertThat(MessageFlaws.in(install(TRANSFER, file, 0), 4)).contains("none of checkpoint 3_17");
    }

    @Test
    void whatElseATransferMayNotSay() {
        assertThat(MessageFlaws.in(install(TRANSFER, "sm/3_17/CURRENT", -1), 4)).contains("none of checkpoint");
        assertThat(MessageFlaws.in(install("x/../../../../../tmp/x", "sm/3_17/CURRENT", 0), 4))
                .contains("transfer");
        assertThat(MessageFlaws.in(
                        InstallSnapshotRequestProto.newBuilder()
                                .setLeaderTerm(4)
                                .setNotification(NotificationProto.getDefaultInstance())
                                .build(),
                        4))
                .contains("no part");
        assertThat(MessageFlaws.in(
                        install(TRANSFER, "sm/3_17/CURRENT", 0).toBuilder()
                                .setLastRaftConfigurationLogEntryProto(entry(5, 3, 0))
                                .build(),
                        4))
                .contains("term 5");
        assertThat(MessageFlaws.in(
                        install(TRANSFER, "sm/3_17/CURRENT", 0).toBuilder()
                                .setLeaderTerm(2)
                                .build(),
                        2))
                .contains("leader's term is 2");
    }
}
