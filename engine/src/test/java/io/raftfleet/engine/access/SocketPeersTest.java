package io.raftfleet.engine.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.raftfleet.identity.Role;
import java.io.IOException;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.UserPrincipal;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.net.UnixDomainPrincipal;
import org.junit.jupiter.api.Test;

/** Who may use the unix socket. */
class SocketPeersTest {
    private record User(String getName) implements UserPrincipal {}

    private record Group(String getName) implements GroupPrincipal {}

    private static final Map<String, SocketPeers.Account> USERS = Map.of(
            "ann", new SocketPeers.Account("1001", true),
            "bob", new SocketPeers.Account("1002", false));

    private final AtomicInteger asked = new AtomicInteger();
    private final SocketPeers peers = new SocketPeers(new User("fleet"), new User("root"), Runnable::run, user -> {
        asked.incrementAndGet();
        var account = USERS.get(user);
        if (account == null) {
            throw new IOException("no such user");
        }
        return account;
    });

    private Caller caller(String user, String group) {
        return peers.caller(new UnixDomainPrincipal(new User(user), new Group(group)))
                .join();
    }

    private Status refusal(String user, String group) {
        try {
            throw new AssertionError(caller(user, group) + " was let in");
        } catch (CompletionException e) {
            return Status.fromThrowable(e);
        }
    }

    @Test
    void rootTheEnginesUserAndMembersOfTheGroupAreAdministrators() {
        for (var caller : new Caller[] {
            caller("root", "root"), caller("fleet", "nogroup"), caller("ann", "ann"), caller("service", "raftfleet")
        }) {
            assertThat(caller.kind()).isEqualTo(Caller.Kind.LOCAL);
            assertThat(caller.role()).contains(Role.ADMIN);
        }
        assertThat(caller("ann", "ann")).hasToString("local user ann");
        assertThat(caller("ann", "ann").words())
                .as("what a unit's last change is by")
                .isEqualTo("local/ann");
        assertThat(asked).as("looked up once for a while").hasValue(1);
    }

    @Test
    void anybodyElseIsToldWhoItIsAndWhatToDo() {
        var refusal = refusal("bob", "bob");
        assertThat(refusal.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
        assertThat(refusal.getDescription())
                .startsWith(
                        "user bob (uid 1002) may not use this socket: it is for root, user fleet and members of the group"
                                + " raftfleet")
                .contains("usermod -aG raftfleet bob");
    }

    @Test
    void aUserThatNothingIsKnownOfIsNotLetIn() {
        assertThat(refusal("eve", "eve").getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(refusal("eve", "eve").getDescription()).contains("eve", "no such user");
    }

    @Test
    void membersAreToldByNumbers() {
        assertThat(SocketPeers.isMember("1000 27 998", "raftfleet:x:998:ann,bob"))
                .isTrue();
        assertThat(SocketPeers.isMember("1000 27 998", "raftfleet:x:99:")).isFalse();
        assertThat(SocketPeers.isMember("1000 27 998", "")).isFalse();
    }

    /** By what every system has. */
    @Test
    void theSystemsUserDatabaseIsAsked() throws Exception {
        assertThat(SocketPeers.ask("root").uid()).isEqualTo("0");
        assertThat(SocketPeers.ask("4711")).isEqualTo(new SocketPeers.Account("4711", false));
        assertThatThrownBy(() -> SocketPeers.ask("no such user")).isInstanceOf(IOException.class);
    }

    @Test
    void namesThatNoHeaderCarriesArePassedOnInOneWord() {
        var caller = Caller.local("DOMAIN\\ann müller");
        assertThat(caller.name()).isEqualTo("DOMAIN\\ann_m_ller");
        assertThat(Caller.parse(caller.header())).isEqualTo(caller);
    }
}
