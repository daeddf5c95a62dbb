package io.raftfleet.engine.access;

import com.google.common.cache.CacheBuilder;
import com.google.common.cache.CacheLoader;
import com.google.common.cache.LoadingCache;
import io.grpc.Status;
import io.netty.channel.ChannelException;
import io.raftfleet.identity.tls.QuietLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import jdk.net.UnixDomainPrincipal;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is at the other end of a unix socket, and whether it may do anything: root, the user that the engine runs as, and members of the
 * group {@value #GROUP}. The kernel says as which user and group the peer's process connected; of which further groups that user is a
 * member the system's user database says. Groups that a process has and its user has not, as of a service's
 * {@code SupplementaryGroups=}, do not count: give such a service {@code Group=}.
 *
 * <p>Thread-safe: its only state is what it has looked up, for a short while, in a cache of Guava's.
 */
public final class SocketPeers {
    /** Whose members are administrators. */
    public static final String GROUP = "raftfleet";

    private static final Logger log = LoggerFactory.getLogger(SocketPeers.class);
    private static final Duration FRESH = Duration.ofSeconds(10);
    private static final int MOST = 1_000;
    /** How {@code getent} says that there is no such group. */
    private static final int NO_SUCH_KEY = 2;

    private final UserPrincipal own;
    private final @Nullable UserPrincipal root;
    private final Executor executor;
    private final LoadingCache<String, CompletableFuture<Account>> accounts;
    private final QuietLog refused = new QuietLog(log::warn, System::nanoTime);

    /**
     * A user as the user database has it.
     *
     * @param uid its number, in digits
     * @param member whether it is a member of the group
     */
    record Account(String uid, boolean member) {}

    /** The user database. */
    @FunctionalInterface
    interface Accounts {
        /** @throws IOException when it can't be asked, or knows no such user */
        Account of(String user) throws IOException;
    }

    /**
     * For a socket that the engine has just made.
     *
     * @throws IOException when it can't be seen whose it is
     */
    public static SocketPeers of(Path socket) throws IOException {
        @Nullable UserPrincipal root;
        try {
            root = socket.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("root");
        } catch (UserPrincipalNotFoundException e) {
            root = null;
        }
        return new SocketPeers(
                Files.getOwner(socket),
                root,
                task -> Thread.ofVirtual().name("socket-peer").start(task),
                SocketPeers::ask);
    }

    /**
     * @param own the user that the engine runs as
     * @param root uid 0; null where that has no name
     * @param executor asks the user database, which may take its time
     */
    SocketPeers(UserPrincipal own, @Nullable UserPrincipal root, Executor executor, Accounts database) {
        this.own = own;
        this.root = root;
        this.executor = executor;
        this.accounts = CacheBuilder.newBuilder()
                .expireAfterWrite(FRESH)
                .maximumSize(MOST)
                .build(CacheLoader.from(user -> CompletableFuture.supplyAsync(() -> look(database, user), executor)));
    }

    /**
     * Asks the kernel, elsewhere: the JDK asks the user database for names at once. Fails with {@code UNAVAILABLE} when the connection is
     * gone.
     *
     * @param option reads {@code SO_PEERCRED}
     */
    public CompletableFuture<UnixDomainPrincipal> peer(Supplier<@Nullable UnixDomainPrincipal> option) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return Objects.requireNonNull(option.get(), "this kernel does not say who is at a unix socket");
                    } catch (ChannelException e) {
                        throw Status.UNAVAILABLE
                                .withDescription("the connection is gone")
                                .withCause(e)
                                .asRuntimeException();
                    }
                },
                executor);
    }

    /**
     * Who that is. Fails with {@code PERMISSION_DENIED} for somebody who may nothing here, naming user, uid and what to do; with
     * {@code UNAVAILABLE} when the user database does not answer.
     */
    public CompletableFuture<Caller> caller(UnixDomainPrincipal peer) {
        String name = peer.user().getName();
        if (peer.user().equals(own) || peer.user().equals(root) || isOurs(peer.group())) {
            return CompletableFuture.completedFuture(Caller.local(name));
        }
        return accounts.getUnchecked(name).thenApply(account -> {
            if (account.member()) {
                return Caller.local(name);
            }
            String who = name + (account.uid().equals(name) ? "" : " (uid " + account.uid() + ")");
            refused.say("refused user " + who + " at the unix socket");
            throw Status.PERMISSION_DENIED
                    .withDescription("user " + who + " may not use this socket: it is for root, user " + own.getName()
                            + " and members of the group " + GROUP + "; as root, add it with: usermod -aG " + GROUP
                            + " "
                            + name + ", or come with a certificate of your own by TCP")
                    .asRuntimeException();
        });
    }

    private static boolean isOurs(GroupPrincipal group) {
        return group.getName().equals(GROUP);
    }

    private static Account look(Accounts database, String user) {
        try {
            return database.of(user);
        } catch (IOException e) {
            throw Status.UNAVAILABLE
                    .withDescription("it is not known of which groups user " + user + " is a member: " + e.getMessage())
                    .withCause(e)
                    .asRuntimeException();
        }
    }

    /** By {@code id} and {@code getent}, which ask whatever the system has its users in; by number, since names of groups may have anything in them. */
    static Account ask(String user) throws IOException {
        if (user.chars().allMatch(Character::isDigit)) {
            return new Account(user, false); // A user without a name is in no group's list.
        }
        return new Account(
                run(0, "id", "-u", "--", user),
                isMember(run(0, "id", "-G", "--", user), run(NO_SUCH_KEY, "getent", "group", GROUP)));
    }

    /**
     * Whether a group is among others.
     *
     * @param gids as in {@code 1000 27}
     * @param group as in {@code raftfleet:x:27:ann,bob}; empty when there is none
     */
    static boolean isMember(String gids, String group) {
        String[] fields = group.split(":", -1);
        return fields.length > 2 && Arrays.asList(gids.split(" ", -1)).contains(fields[2]);
    }

    /** @param empty the exit code that stands for no answer; 0 for none */
    private static String run(int empty, String... command) throws IOException {
        var builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C");
        var process = builder.start();
        try {
            process.getOutputStream().close();
            if (!process.waitFor(FRESH.toSeconds(), TimeUnit.SECONDS)) {
                throw new IOException("the user database did not answer within " + FRESH.toSeconds() + " s");
            }
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (empty != 0 && process.exitValue() == empty) {
                return "";
            }
            if (process.exitValue() != 0) {
                throw new IOException(said);
            }
            return said;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroyForcibly();
        }
    }
}
