package io.raftfleet.agent.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.proto.agent.RevokedEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An agent remembers which engines' certificates are revoked. */
class EngineRevocationsTest {
    private static final Instant REVOKED = Instant.parse("2026-05-01T12:00:00Z");

    @TempDir
    Path dir;

    private static RevokedEngine revoked(String name, Instant before) {
        return RevokedEngine.newBuilder()
                .setEngineId(name)
                .setBeforeMs(before.toEpochMilli())
                .build();
    }

    private static @Nullable String objection(EngineRevocations revocations, String name, Instant began) {
        return revocations.to(
                new Identity(new SpiffeId("c1", SpiffeId.Kind.ENGINE, name), Optional.empty(), began, Instant.MAX),
                began);
    }

    @Test
    void certificatesFromBeforeAreNotTakenAndLaterOnesAre() throws Exception {
        var revocations = new EngineRevocations(dir.resolve("revoked"));
        assertThat(objection(revocations, "e2", REVOKED.minusSeconds(1))).isNull();
        revocations.look(() -> List.of(revoked("e2", REVOKED)));
        assertThat(objection(revocations, "e2", REVOKED.minusSeconds(1))).startsWith("it was revoked at " + REVOKED);
        assertThat(objection(revocations, "e2", REVOKED)).isNull();
        assertThat(objection(revocations, "e3", REVOKED.minusSeconds(1))).isNull();
    }

    @Test
    void nothingIsForgottenWhateverAnotherEngineSaysOrThisAgentIsStartedAgain() throws Exception {
        var file = dir.resolve("revoked");
        var revocations = new EngineRevocations(file);
        revocations.look(() -> List.of(revoked("e2", REVOKED)));
        revocations.look(() -> List.of(revoked("e2", REVOKED.minusSeconds(60)), revoked("e3", REVOKED)));
        revocations.look(List::of);
        revocations.look(() -> {
            throw Status.PERMISSION_DENIED.asRuntimeException();
        });
        for (var known : List.of(revocations, new EngineRevocations(file))) {
            assertThat(objection(known, "e2", REVOKED.minusSeconds(1))).isNotNull();
            assertThat(objection(known, "e3", REVOKED.minusSeconds(1))).isNotNull();
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
    }

    @Test
    void whatCantBeReadIsSaid() throws Exception {
        var file = Files.writeString(dir.resolve("revoked"), "e2\n");
        assertThatThrownBy(() -> new EngineRevocations(file))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(file.toString(), "remove it");
    }
}
