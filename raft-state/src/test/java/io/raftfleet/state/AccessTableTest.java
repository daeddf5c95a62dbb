package io.raftfleet.state;

import static io.raftfleet.state.Entries.agent;
import static io.raftfleet.state.Entries.entry;
import static io.raftfleet.state.Entries.entryAt;
import static io.raftfleet.state.Entries.open;
import static io.raftfleet.state.Entries.revoked;
import static io.raftfleet.state.Entries.tokenCreated;
import static io.raftfleet.state.Entries.tokenRemoved;
import static io.raftfleet.state.Entries.tokenUsed;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.PrincipalKind;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a token is good for, and for how long. */
class AccessTableTest {
    private static final long LATER = 2_000_000;

    private final Registry registry = new Registry(10);
    private long index;

    private @Nullable String apply(Entry entry) {
        return registry.apply(1, ++index, entry).dropped().getLast();
    }

    private @Nullable String apply(Record record) {
        return apply(entry(record));
    }

    private int uses(String token) {
        return registry.read(view -> view.tokens().stream()
                .filter(open -> open.id().equals(token))
                .mapToInt(open -> open.used().size())
                .sum());
    }

    @Test
    void aTokenIsGoodForAsManyAsItSays() {
        assertThat(apply(tokenCreated("t", 2, LATER))).isNull();
        assertThat(apply(tokenCreated("t", 2, LATER))).isEqualTo("token t exists");
        assertThat(apply(tokenUsed("t", "m1", 1))).isNull();
        assertThat(apply(tokenUsed("t", "m2", 1))).isNull();
        assertThat(apply(tokenUsed("t", "m3", 1))).startsWith("token t has been used as often as it may, 2 times");
        assertThat(uses("t")).isEqualTo(2);
    }

    @Test
    void askedAgainWithTheSameKeyItIsTheSameUse() {
        assertThat(apply(tokenCreated("t", 1, LATER))).isNull();
        assertThat(apply(tokenUsed("t", "m1", 1))).isNull();
        assertThat(apply(tokenUsed("t", "m1", 1))).isNull();
        assertThat(uses("t")).isEqualTo(1);
    }

    @Test
    void nobodyTakesThePlaceOfAMachineThatIsKnown() {
        apply(open("m1", 1, Map.of()));
        apply(tokenCreated("t", 5, LATER));
        assertThat(apply(tokenUsed("t", "m1", 1))).startsWith("agent m1 belongs to the cluster already");
        assertThat(apply(tokenUsed("t", "m2", 1))).isNull();
        assertThat(apply(tokenUsed("t", "m2", 2))).startsWith("agent m2 belongs to the cluster already");
        apply(tokenCreated("own", agent("m1"), 1, LATER));
        assertThat(apply(tokenUsed("own", "m2", 1))).isEqualTo("token own is for agent m1 alone, not for m2");
        assertThat(apply(tokenUsed("own", "m1", 1))).isNull();
    }

    @Test
    void aSecretMustBeRightAndTheKindToo() {
        apply(tokenCreated("t", 1, LATER));
        var wrong = tokenUsed("t", "m1", 1).toBuilder();
        wrong.getJoinTokenUsedBuilder().setSecretHash(ByteString.copyFromUtf8("guess"));
        assertThat(apply(wrong.build())).startsWith("its secret is not the one of token t");
        var engine = tokenUsed("t", "e1", 1).toBuilder();
        engine.getJoinTokenUsedBuilder().getWhoBuilder().setKind(PrincipalKind.PRINCIPAL_KIND_ENGINE);
        assertThat(apply(engine.build())).isEqualTo("token t is for agents, not for an engine");
        assertThat(uses("t")).isZero();
    }

    @Test
    void itsTimeIsTheRegistrysAndThenItIsForgotten() {
        apply(tokenCreated("t", 5, LATER));
        assertThat(apply(entryAt(LATER - 1, tokenUsed("t", "m1", 1)))).isNull();
        assertThat(apply(entryAt(LATER, tokenUsed("t", "m2", 1)))).startsWith("the cluster has no token t");
        assertThat(registry.read(RegistryView::tokens)).isEmpty();
        assertThat(apply(tokenCreated("late", 5, LATER))).startsWith("the time of token late is over");
        apply(tokenCreated("u", 5, LATER + 1));
        assertThat(apply(tokenRemoved("u"))).isNull();
        assertThat(apply(tokenRemoved("u"))).isEqualTo("the cluster has no token u");
    }

    @Test
    void thereAreSoManyTokensAndNoMore() {
        for (int i = 0; i < AccessTable.MAX_TOKENS; i++) {
            assertThat(apply(tokenCreated("t" + i, 1, LATER))).isNull();
        }
        assertThat(apply(tokenCreated("one more", 1, LATER))).contains("as many as there may be");
    }

    @Test
    void aRevocationIsNeverTakenBackByAnOlderOne() {
        assertThat(apply(revoked("m1", 500))).isNull();
        assertThat(apply(revoked("m1", 400))).isNull();
        assertThat(registry.read(RegistryView::revoked)).containsExactly(new Revoked(agent("m1"), 500));
    }
}
