package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.TokenText;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Holds commands to the table of exit codes in {@code docs/fleetctl.md}: every cell with a code is tried, and every command has a
 * row. What fails says why on standard error.
 */
@Timeout(120)
class ExitCodesTest {
    private static final String DONE = "done";
    private static final String NOTHING = "nothing to do";
    private static final String PARTLY = "partly";
    private static final String REFUSED = "refused, failed";
    private static final String LATE = "no answer in time";
    private static final String MISSING = "not found";
    private static final String USAGE = "wrong usage";

    private static final String M1 = "113f16a7c8d94f1a8a1e6c4f4b6a9d01";
    private static final String M2 = "85c0c595a02b4bb4bd9f6c0b6cf7a502";
    private static final String HELLO = "[Service]\nExecStart=/bin/sleep infinity\n";
    private static final String BAD = "[Service]\nExecStart=/bin/false\n";
    private static final String NEW_ENGINE = "e9=127.0.0.1:1/127.0.0.1:2/127.0.0.1:3";
    private static final List<String> ORDERS =
            List.of("submit", "load", "start", "restart", "stop", "unload", "destroy");

    /** A try of one cell. */
    private record Case(String command, String outcome, Function<Stage, Result> act) {
        @Override
        public String toString() {
            return command + ": " + outcome;
        }
    }

    /** A cluster of one machine, and a folder. */
    private static final class Stage implements AutoCloseable {
        final InMemoryCluster cluster = new InMemoryCluster();
        final Path directory;
        private @Nullable V1Server fleet;

        Stage(Path directory) {
            this.directory = directory;
            cluster.startEngine().leads = true;
            cluster.addMachine(M1, "10.0.0.1", Map.of());
        }

        Result run(String... arguments) {
            return Result.of(cluster, directory, Map.of(), arguments);
        }

        Result run(String command, List<String> rest) {
            return run(Stream.concat(Arrays.stream(command.split(" ", -1)), rest.stream())
                    .toArray(String[]::new));
        }

        Stage file(String name, String text) {
            return file(name, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }

        Stage file(String name, byte[] bytes) {
            try {
                Files.write(directory.resolve(name), bytes);
                return this;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        void folder(String name) {
            try {
                Files.createDirectory(directory.resolve(name));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** A unit that is launched, or, after {@code unload} for one, what that leaves. */
        Stage unit(String name, String command) {
            file(name, HELLO);
            assertThat(run("start", name).exit()).isZero();
            if (!command.equals("start")) {
                assertThat(run(command, name).exit()).isZero();
            }
            return this;
        }

        Stage backup(String... units) {
            try {
                byte[] bytes = BackupFileTest.backup(HELLO, units);
                cluster.engines.getFirst().backup = ByteString.copyFrom(bytes);
                return file("backup", bytes);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** The URL of a fleet that has this unit. */
        String fleet(String... units) {
            try {
                var theirs = new InMemoryCluster();
                var server = new V1Server(theirs);
                fleet = server;
                for (String name : units) {
                    synchronized (theirs) {
                        theirs.create(
                                NewUnit.newBuilder()
                                        .setName(name)
                                        .setText(HELLO)
                                        .build(),
                                false);
                    }
                }
                return server.url();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** A socket on which fleet's API is served. */
        Path socket() {
            try {
                var server = new V1Server(cluster);
                fleet = server;
                Path path = directory.resolve("s");
                server.listen(path);
                return path;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            if (fleet != null) {
                fleet.close();
            }
            cluster.close();
        }
    }

    private static final String CLUSTER = "0b7c4a3e-2f40-4f0a-9d1b-5a3c7d1e2f00";

    private final List<Case> cases = new ArrayList<>();

    @TempDir
    private Path directory;

    private void add(String command, String outcome, Function<Stage, Result> act) {
        cases.add(new Case(command, outcome, act));
    }

    private void orders() {
        for (String order : List.of("submit", "load", "start")) {
            add(order, DONE, s -> s.file("a.service", HELLO).run(order, "a.service"));
            add(order, PARTLY, s -> {
                s.cluster.refused.add("b.service");
                s.file("a.service", HELLO).file("b.service", HELLO);
                Result result = s.run(order, "a.service", "b.service");
                assertThat(s.cluster.units).containsOnlyKeys("a.service");
                return result;
            });
            add(
                    order,
                    REFUSED,
                    s -> s.file("a.service", "[Service]\n[X-Fleet]\nGlobul=1\n").run(order, "a.service"));
            add(order, MISSING, s -> s.run(order, "a.service"));
            add(order, MISSING, s -> s.run(order, "a*"));
        }
        add("submit", NOTHING, s -> s.unit("a.service", "unload").run("submit", "a.service"));
        add(
                "submit",
                REFUSED,
                s -> s.unit("a.service", "start")
                        .file("a.service", HELLO + "Restart=always\n")
                        .run("submit", "--replace", "a.service"));
        add("load", NOTHING, s -> s.unit("a.service", "stop").run("load", "a.service"));
        add(
                "load",
                REFUSED,
                s -> s.unit("a.service", "start")
                        .file("a.service", HELLO + "Restart=always\n")
                        .run("load", "--replace", "a.service"));
        add("rollout status", DONE, s -> s.run("rollout", "status"));
        for (String order : List.of("status", "pause", "resume", "undo")) {
            add("rollout " + order, MISSING, s -> s.run("rollout", order, "0000abcd"));
        }
        for (String order : List.of("pause", "resume", "undo")) {
            add("rollout " + order, DONE, s -> {
                String id = rollout(s, "");
                if (order.equals("resume")) {
                    assertThat(s.run("rollout", "pause", id).exit()).isZero();
                }
                return s.run("rollout", order, id);
            });
            add("rollout " + order, USAGE, s -> s.run("rollout", order));
            add("rollout " + order, REFUSED, s -> {
                String id = rollout(s, "");
                if (!order.equals("pause")) {
                    assertThat(s.run("rollout", "pause", id).exit()).isZero();
                }
                s.cluster.refused.add(id);
                return s.run("rollout", order, id);
            });
        }
        add("rollout pause", NOTHING, s -> {
            String id = rollout(s, "");
            assertThat(s.run("rollout", "pause", id).exit()).isZero();
            return s.run("rollout", "pause", id);
        });
        add("rollout resume", NOTHING, s -> s.run("rollout", "resume", rollout(s, "")));
        add("rollout undo", NOTHING, s -> {
            String id = rollout(s, "");
            assertThat(s.run("rollout", "undo", id).exit()).isZero();
            return s.run("rollout", "undo", id);
        });
        add("rollout resume", REFUSED, s -> {
            String id = rollout(s, "unit b.service failed");
            assertThat(s.run("rollout", "status", "--wait", id).exit()).isEqualTo(1);
            return s.run("rollout", "resume", id);
        });
        add("rollout status", USAGE, s -> s.run("rollout", "status", "--wait"));
        add("rollout status", REFUSED, s -> s.run("rollout", "status", "--wait", rollout(s, "unit b.service failed")));
        add("start", NOTHING, s -> s.unit("a.service", "start").run("start", "a.service"));
        add("start", REFUSED, s -> s.file("a.service", BAD).run("start", "a.service"));
        for (String order : List.of("restart", "stop", "unload", "destroy")) {
            add(order, DONE, s -> s.unit("a.service", "start").run(order, "a.service"));
            add(order, PARTLY, s -> s.unit("a.service", "start").run(order, "a.service", "none.service"));
            add(order, PARTLY, s -> {
                s.unit("a.service", "start").unit("b.service", "start");
                s.cluster.refused.add("b.service");
                return s.run(order, "a.service", "b.service");
            });
            add(order, REFUSED, s -> {
                s.unit("a.service", "start");
                s.cluster.refused.add("a.service");
                return s.run(order, "a.service");
            });
            add(order, MISSING, s -> s.run(order, "a.service"));
            add(order, MISSING, s -> s.run(order, "a*"));
        }
        add("restart", REFUSED, s -> s.unit("a.service", "unload").run("restart", "a.service"));
        add("stop", REFUSED, s -> s.unit("a.service", "unload").run("stop", "a.service"));
        add("stop", NOTHING, s -> s.unit("a.service", "stop").run("stop", "a.service"));
        add("unload", NOTHING, s -> s.unit("a.service", "unload").run("unload", "a.service"));
        for (String order : ORDERS) {
            add(order, NOTHING, s -> s.run(order));
        }
    }

    /** Id of a rollout that has begun, and is going to fail for a reason, or for none. */
    private static String rollout(Stage s, String failure) {
        s.unit("a.service", "start").unit("b.service", "start");
        s.file("a.service", HELLO + "Restart=always\n").file("b.service", HELLO + "Restart=always\n");
        s.cluster.rollouts.failure = failure;
        assertThat(s.run("start", "--replace", "--no-block", "--max-unavailable=1", "a.service", "b.service")
                        .exit())
                .isZero();
        return s.cluster.rollouts.list("").getFirst().getId();
    }

    private void questions() {
        add("cat", DONE, s -> s.unit("a.service", "start").run("cat", "a.service"));
        add("cat", MISSING, s -> s.run("cat", "a.service"));
        add("cat", MISSING, s -> s.run("cat"));
        add("why", DONE, s -> s.unit("a.service", "start").run("why", "a.service"));
        add("why", MISSING, s -> s.run("why", "a.service"));
        add("plan", DONE, s -> {
            Result result = s.file("a.service", HELLO).run("plan", "a.service");
            assertThat(s.cluster.units).isEmpty();
            return result;
        });
        add("plan", DONE, s -> s.run("plan", "--drain", "113f"));
        add("plan", NOTHING, s -> s.unit("a.service", "start").run("plan", "a.service"));
        add("plan", PARTLY, s -> {
            s.cluster.refused.add("b.service");
            return s.file("a.service", HELLO).file("b.service", HELLO).run("plan", "a.service", "b.service");
        });
        add("plan", REFUSED, s -> {
            s.cluster.refused.add("a.service");
            return s.file("a.service", HELLO).run("plan", "a.service");
        });
        add("plan", USAGE, s -> s.file("a.service", HELLO).run("plan", "--drain", "113f", "a.service"));
        add("plan", MISSING, s -> s.run("plan", "a.service"));
        add("plan", MISSING, s -> s.run("plan", "--drain", "none"));
        add("watch", REFUSED, s -> s.run("watch", "[a"));
        add("events", DONE, s -> s.unit("a.service", "start").run("events", "a.service"));
        add("events", MISSING, s -> s.run("events", "a.service"));
        add("events", USAGE, s -> s.run("events", "--since=yesterday"));
        add("events", USAGE, s -> s.run("events", "--since=2999-01-01"));
        add("events", REFUSED, s -> s.run("events", "[a"));
        add("journal", DONE, s -> s.unit("a.service", "start").run("journal", "a.service"));
        add("journal", REFUSED, s -> s.unit("a.service", "unload").run("journal", "a.service"));
        add("journal", MISSING, s -> s.run("journal", "a.service"));
        add("journal", MISSING, s -> s.run("journal"));
        add("status", DONE, s -> s.unit("a.service", "start").run("status", "a.service"));
        add("status", NOTHING, s -> s.run("status"));
        add("status", REFUSED, s -> s.unit("a.service", "stop").run("status", "a.service"));
        add("status", REFUSED, s -> {
            s.unit("a.service", "start");
            s.cluster.report(InMemoryEngine.state("a.service", M1, "inactive", "dead").toBuilder()
                    .setLoadState("not-found")
                    .build());
            return s.run("status", "a.service");
        });
        add("status", REFUSED, s -> {
            s.unit("a.service", "start").cluster.refused.add("a.service");
            return s.run("status", "a.service");
        });
        add("status", MISSING, s -> s.run("status", "a.service"));
        add("status", MISSING, s -> s.unit("a.service", "unload").run("status", "a.service"));
        add("ssh", MISSING, s -> s.run("ssh", "--unit", "a.service"));
        add("ssh", MISSING, s -> s.run("ssh", "nobody"));
        add("ssh", REFUSED, s -> {
            s.cluster.addMachine(M2, "10.0.0.2'; exit 7; '", Map.of());
            return s.run("ssh", "85c0");
        });
        for (String list : List.of("list-units", "list-unit-files", "list-machines")) {
            add(list, DONE, s -> s.unit("a.service", "start").run(list));
            add(list, NOTHING, s -> {
                s.cluster.machines.clear();
                return s.run(list);
            });
            add(list, REFUSED, s -> s.run(list, "--fields", "nonsense"));
        }
        add("list-machines", USAGE, s -> s.run("list-machines", "a.service"));
        for (String list : List.of("list-units", "list-unit-files")) {
            add(list, NOTHING, s -> s.unit("a.service", "start").run(list, "b.service", "c*"));
        }
        add("fd-forward", DONE, s -> s.run("fd-forward", s.socket().toString()));
        add("fd-forward", REFUSED, s -> s.run("fd-forward", "none"));
        add("fd-forward", USAGE, s -> s.run("fd-forward"));
        add("version", DONE, s -> s.run("version"));
        add("help", DONE, s -> s.run("help", "start"));
        add("help", USAGE, s -> s.run("help", "nonsense"));
        add("verify", DONE, s -> s.file("a.service", HELLO).run("verify", "--no-systemd", "a.service"));
        add(
                "verify",
                PARTLY,
                s -> s.file("a.service", HELLO)
                        .file("b.service", "nonsense")
                        .run("verify", "--no-systemd", "a.service", "b.service"));
        add("verify", REFUSED, s -> s.file("b.service", "nonsense").run("verify", "--no-systemd", "b.service"));
        add("verify", MISSING, s -> s.run("verify", "--no-systemd", "b.service"));
        add("verify", USAGE, s -> s.run("verify"));
        add("cert create-ca", DONE, s -> authority(s));
        add("cert create-ca", REFUSED, s -> s.run("cert", "create-ca", "--cluster-id", "no uuid", "ca"));
        add("cert issue", DONE, s -> {
            authority(s);
            return s.run("cert", "issue", "--ca", "ca", "--role", "viewer", "user", "alice");
        });
        add("cert issue", REFUSED, s -> {
            authority(s);
            return s.run("cert", "issue", "--ca", "ca", "user", "alice");
        });
        add("cert issue", MISSING, s -> s.run("cert", "issue", "--ca", "none", "--role", "viewer", "user", "alice"));
        add("cert issue", USAGE, s -> s.run("cert", "issue"));
        add("cert create-ca", USAGE, s -> s.run("cert"));
    }

    private static String token(String id, byte[] digest, String endpoint) {
        return new TokenText(
                        id,
                        "00",
                        SpiffeId.Kind.USER,
                        "alice",
                        CLUSTER,
                        HexFormat.of().formatHex(digest),
                        List.of(endpoint))
                .text();
    }

    /** At an engine with TLS. */
    private static Result logIn(Stage s, String id) {
        try {
            var ca =
                    CertificateAuthority.create(s.directory.resolve("tls"), CLUSTER, Instant.now(), Duration.ofDays(1));
            var files = new TlsFiles(
                    s.directory.resolve("tls/ca.pem"),
                    s.directory.resolve("e1.pem"),
                    s.directory.resolve("e1-key.pem"));
            ca.issue(SpiffeId.Kind.ENGINE, "e1", Optional.empty(), List.of(), Instant.now(), Duration.ofHours(1))
                    .write(files.certificate(), files.key());
            var tls = TlsIdentity.open(files, InstantSource.system()).grpcServer(Set.of(SpiffeId.Kind.USER), true);
            Server server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .sslContext(tls)
                    .addService(new InMemoryAccess(ca))
                    .build()
                    .start();
            try {
                return Result.of(
                        s.cluster,
                        s.directory,
                        Map.of("XDG_CONFIG_HOME", s.directory.toString()),
                        "login",
                        token(id, ca.digest(), "127.0.0.1:" + server.getPort()));
            } finally {
                server.shutdownNow();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Result authority(Stage s) {
        return s.run("cert", "create-ca", "--cluster-id", CLUSTER, "ca");
    }

    private void imports() {
        add("import", DONE, s -> s.run("import", "--from", s.fleet("a.service")));
        add("import", DONE, s -> s.run("import", "--dry-run", "--from", s.fleet("a.service")));
        add("import", NOTHING, s -> s.run("import", "--from", s.fleet()));
        add("import", NOTHING, s -> s.unit("a.service", "unload").run("import", "--from", s.fleet("a.service")));
        add("import", PARTLY, s -> {
            s.cluster.refused.add("b.service");
            Result result = s.run("import", "--from", s.fleet("a.service", "b.service"));
            assertThat(s.cluster.units).containsOnlyKeys("a.service");
            return result;
        });
        add("import", REFUSED, s -> {
            s.cluster.refused.add("a.service");
            return s.run("import", "--from", s.fleet("a.service"));
        });
        add("import", LATE, s -> s.run("import", "--from", "http://127.0.0.1:1"));
        add("import", USAGE, s -> s.run("import"));
        add("import", USAGE, s -> s.run("import", "--from", "127.0.0.1:1"));
        add("import", USAGE, s -> s.run("import", "--from", "ftp://127.0.0.1:1"));
    }

    private void operations() {
        add("cluster status", DONE, s -> s.run("cluster", "status"));
        add("cluster status", PARTLY, s -> {
            kill(s.cluster.startEngine());
            return s.run("cluster", "status");
        });
        add("cluster status", REFUSED, s -> {
            s.cluster.engines.getFirst().leads = false;
            return s.run("cluster", "status");
        });
        add("cluster transfer-leader", DONE, s -> s.run("cluster", "transfer-leader"));
        add("cluster transfer-leader", REFUSED, s -> {
            s.cluster.startEngine();
            // From then on the one that is asked does not lead.
            assertThat(s.run("cluster", "transfer-leader", "e3").exit()).isZero();
            return s.run("--request-timeout=0.5", "cluster", "transfer-leader", "e2");
        });
        add("cluster snapshot", DONE, s -> s.run("cluster", "snapshot"));
        add("cluster snapshot", PARTLY, s -> {
            kill(s.cluster.startEngine());
            return s.run("--request-timeout=0.5", "cluster", "snapshot");
        });
        add("cluster add", DONE, s -> s.run("cluster", "add", NEW_ENGINE));
        add("cluster add", REFUSED, s -> s.run("cluster", "add", "e9"));
        add("cluster remove", DONE, s -> s.run("cluster", "remove", "e1"));
        add("cluster remove", REFUSED, s -> s.run("cluster", "remove", "none"));
        add("cluster replace", DONE, s -> s.run("cluster", "replace", "e1", NEW_ENGINE));
        add("cluster replace", REFUSED, s -> s.run("cluster", "replace", "none", NEW_ENGINE));
        add("cluster backup", DONE, s -> {
            Result result = s.backup("a.service").run("cluster", "backup", "new");
            assertThat(mode(s.directory.resolve("new")))
                    .as("for its owner alone")
                    .isEqualTo("rw-------");
            return result;
        });
        add("cluster backup", REFUSED, s -> s.backup("a.service").run("cluster", "backup", "backup"));
        add("cluster backup", REFUSED, s -> {
            Result result = s.run("cluster", "backup", "empty");
            assertThat(s.directory.resolve("empty.part")).doesNotExist();
            return result;
        });
        add("cluster backup", REFUSED, s -> {
            s.backup("a.service").cluster.engines.getFirst().onBackup = () -> s.folder("new");
            Result result = s.run("cluster", "backup", "new");
            assertThat(s.directory.resolve("new.part"))
                    .as("what could not be renamed")
                    .doesNotExist();
            return result;
        });
        add("cluster restore", DONE, s -> s.backup("a.service").run("cluster", "restore", "backup"));
        add("cluster restore", PARTLY, s -> {
            s.cluster.refused.add("b.service");
            Result result = s.backup("a.service", "b.service").run("cluster", "restore", "backup");
            assertThat(result.out()).startsWith("Restored 1 of 2 units of cluster c");
            return result;
        });
        add(
                "cluster restore",
                REFUSED,
                s -> s.unit("a.service", "start").backup("b.service").run("cluster", "restore", "backup"));
        add("cluster restore", MISSING, s -> s.run("cluster", "restore", "backup"));
        add("cluster orphans", DONE, s -> s.run("cluster", "orphans"));
        for (String settle : List.of("cluster adopt", "cluster drop")) {
            add(settle, DONE, s -> s.run(settle, List.of("lost.service")));
            add(settle, PARTLY, s -> s.run(settle, List.of("lost.service", "none.service")));
            add(settle, REFUSED, s -> {
                s.cluster.refused.add("lost.service");
                return s.run(settle, List.of("lost.service"));
            });
            add(settle, MISSING, s -> s.run(settle, List.of("none.service")));
        }
        add("cluster status", USAGE, s -> s.run("cluster"));
        add("token create", DONE, s -> s.run("token", "create", "--role", "agent"));
        add("token create", REFUSED, s -> s.run("token", "create", "--role", "agent", "--uses", "0"));
        add("token create", USAGE, s -> s.run("token"));
        add("token list", DONE, s -> s.run("token", "list"));
        add("token rm", DONE, s -> s.run("token", "rm", "t1"));
        add("token rm", DONE, s -> s.run("token", "rm", "lost"));
        add("token rm", PARTLY, s -> {
            Result result = s.run("token", "rm", "t2", "t1");
            assertThat(result.out()).isEqualTo("Took token t1 away\n");
            assertThat(result.err()).isEqualTo("Error taking token t2 away: the cluster has no such token\n");
            return result;
        });
        add("token rm", REFUSED, s -> s.run("token", "rm", "t2"));
        add("user create", DONE, s -> s.run("user", "create", "alice", "--role", "viewer"));
        add("user create", REFUSED, s -> s.run("user", "create", "alice", "--role", "king"));
        add("user create", USAGE, s -> s.run("user"));
        add("cluster revoke", DONE, s -> s.run("cluster", "revoke", "user/alice"));
        add("cluster revoke", PARTLY, s -> {
            Result result = s.run("cluster", "revoke", "user/me", "agent/" + M1);
            assertThat(result.out())
                    .isEqualTo("Revoked all certificates of agent/" + M1 + " from before 1970-01-01T00:00:00Z\n"
                            + "Took token t1 of user/root (admin) away, used 1 of 20 times, by agent/" + M1 + "\n");
            assertThat(result.err()).isEqualTo("Error revoking user/me: that is who calls\n");
            return result;
        });
        add("cluster revoke", REFUSED, s -> s.run("cluster", "revoke", "user/me"));
        add("cluster revoked", DONE, s -> s.run("cluster", "revoked"));
        add("ui", DONE, s -> s.run("ui"));
        add("ui", REFUSED, s -> s.run("ui", "--address", "nowhere"));
        add("login", DONE, s -> logIn(s, "t1"));
        add("login", REFUSED, s -> logIn(s, "t2"));
    }

    private void machines() {
        for (String order : List.of("cordon", "uncordon", "undrain", "machine forget")) {
            add(order, DONE, s -> {
                if (order.equals("uncordon") || order.equals("undrain")) {
                    assertThat(s.run("cordon", "113f").exit()).isZero();
                }
                return s.run(order, List.of("113f"));
            });
            add(order, PARTLY, s -> {
                if (order.equals("uncordon") || order.equals("undrain")) {
                    assertThat(s.run("cordon", "113f").exit()).isZero();
                }
                return s.run(order, List.of("113f", "none"));
            });
            add(order, REFUSED, s -> {
                s.cluster.refused.add(M1);
                return s.run(order, List.of("113f"));
            });
            add(order, MISSING, s -> s.run(order, List.of("none")));
        }
        add("cordon", NOTHING, s -> {
            assertThat(s.run("cordon", "113f").exit()).isZero();
            return s.run("cordon", "113f");
        });
        add("uncordon", NOTHING, s -> s.run("uncordon", "113f"));
        add("undrain", NOTHING, s -> s.run("undrain", "113f"));
        add("drain", DONE, s -> {
            s.unit("a.service", "start").cluster.addMachine(M2, "10.0.0.2", Map.of());
            return s.run("drain", "113f");
        });
        add("drain", NOTHING, s -> {
            assertThat(s.run("drain", "--no-block", "113f").exit()).isZero();
            return s.run("drain", "113f");
        });
        add("drain", REFUSED, s -> s.unit("a.service", "start").run("drain", "113f"));
        add("drain", USAGE, s -> s.run("drain", "--max-parallel=0", "113f"));
        add("drain", USAGE, s -> s.run("drain", "--deadline=0", "113f"));
        add("list-units", USAGE, s -> s.run("list-units", "--request-timeout=0"));
        add("start", USAGE, s -> s.file("a.service", HELLO).run("start", "--stay-up=-1", "a.service"));
        add("start", USAGE, s -> s.file("a.service", HELLO).run("start", "--rollback", "a.service"));
        add("drain", MISSING, s -> s.run("drain", "none"));
        add("machine set", DONE, s -> s.run("machine", "set", "disk=ssd", "113f"));
        add("machine set", USAGE, s -> s.run("machine", "set", "disk", "113f"));
        add("machine unset", DONE, s -> s.run("machine", "unset", "disk", "113f"));
        for (String change : List.of("machine set", "machine unset")) {
            add(change, MISSING, s -> s.run(change, List.of("disk=ssd", "none")));
            add(change, REFUSED, s -> {
                s.cluster.refused.add(M1);
                return s.run(change, List.of("disk=ssd", "113f"));
            });
        }
    }

    private static String mode(Path file) {
        try {
            return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void kill(InMemoryEngine engine) {
        try {
            engine.kill();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What any arguments of a command are, where what is tried has nothing to do with them. */
    private static List<String> arguments(String command) {
        return switch (command) {
            case "list-units", "list-unit-files", "list-machines", "version", "help" -> List.of();
            case "cluster status", "cluster transfer-leader", "cluster snapshot", "cluster orphans" -> List.of();
            case "token list", "cluster revoked", "ui" -> List.of();
            case "token create" -> List.of("--role", "agent");
            case "token rm" -> List.of("t1");
            case "user create" -> List.of("alice", "--role", "viewer");
            case "cluster revoke" -> List.of("user/alice");
            case "login" -> List.of(token("t1", new byte[32], "127.0.0.1:1"));
            case "cordon", "uncordon", "undrain", "drain", "machine forget" -> List.of("113f");
            case "machine set", "machine unset" -> List.of("disk=ssd", "113f");
            case "cluster add" -> List.of(NEW_ENGINE);
            case "cluster replace" -> List.of("e1", NEW_ENGINE);
            case "cluster backup" -> List.of("new");
            case "cluster restore" -> List.of("backup");
            case "import" -> List.of("--from", "http://127.0.0.1:1");
            default -> List.of("a.service");
        };
    }

    private void forAll(Iterable<String> commands) {
        for (String command : commands) {
            if (!command.equals("help")) {
                add(command, USAGE, s -> s.run(command, List.of("--nonsense")));
            }
            add(command, LATE, s -> {
                s.file("a.service", HELLO).backup("a.service");
                var all = new ArrayList<>(arguments(command));
                all.addAll(List.of("--endpoint=127.0.0.1:1", "--request-timeout=0.2"));
                return s.run(command, all);
            });
        }
        for (String order : List.of("load", "start", "restart", "stop", "unload", "destroy")) {
            add(order, LATE, s -> {
                if (!List.of("load", "start").contains(order)) {
                    s.unit("a.service", "start");
                }
                s.cluster.keepStates = true;
                s.cluster.hold();
                return s.file("a.service", HELLO).run(order, "--block-attempts=1", "a.service");
            });
        }
    }

    /** The table: for each command its codes by outcome. */
    private static Map<String, Map<String, List<Integer>>> documented() {
        List<String> lines;
        try {
            lines = Files.readAllLines(
                    Objects.requireNonNull(Path.of("").toAbsolutePath().getParent())
                            .resolve("docs/fleetctl.md"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        var table = new LinkedHashMap<String, Map<String, List<Integer>>>();
        List<String> head = List.of();
        for (String line : lines) {
            List<String> cells =
                    Arrays.stream(line.split("\\|", -1)).map(String::strip).toList();
            if (line.startsWith("| exit code of ")) {
                head = cells;
            } else if (line.startsWith("| `") && !head.isEmpty()) {
                var codes = new LinkedHashMap<String, List<Integer>>();
                for (int i = 2; i < cells.size() - 1; i++) {
                    codes.put(head.get(i), numbers(cells.get(i)));
                }
                for (String command : cells.get(1).split(", ", -1)) {
                    table.put(command.replace("`", ""), codes);
                }
            } else if (!line.startsWith("| ---")) {
                head = List.of();
            }
        }
        return table;
    }

    private static List<Integer> numbers(String cell) {
        return Arrays.stream(cell.split("[^0-9]+", -1))
                .filter(number -> !number.isEmpty())
                .map(Integer::valueOf)
                .toList();
    }

    private void all() {
        orders();
        questions();
        operations();
        imports();
        machines();
        forAll(documented().keySet());
        // Ask no engine.
        cases.removeIf(it -> it.outcome().equals(LATE)
                && (it.command().startsWith("cert ")
                        || List.of("version", "help", "verify", "fd-forward").contains(it.command())));
    }

    @TestFactory
    Stream<DynamicTest> everyCellIsTrue() {
        all();
        var table = documented();
        return cases.stream()
                .map(it -> DynamicTest.dynamicTest(it.toString(), () -> {
                    Path folder = Files.createTempDirectory(directory, "case");
                    try (var stage = new Stage(folder)) {
                        Result result = it.act().apply(stage);
                        List<Integer> codes =
                                table.getOrDefault(it.command(), Map.of()).getOrDefault(it.outcome(), List.of());
                        assertThat(codes).as("%s returned %s", it, result).contains(result.exit());
                        if (result.exit() != 0 && !it.command().equals("status")) {
                            assertThat(result.err()).as("why %s", it).isNotBlank();
                        }
                    }
                }));
    }

    @Test
    void everyCellIsTried() {
        all();
        var tried = new TreeSet<String>();
        cases.forEach(it -> tried.add(it.toString()));
        var cells = new TreeSet<String>();
        documented()
                .forEach((command, codes) -> codes.forEach((outcome, numbers) -> {
                    if (!numbers.isEmpty()) {
                        cells.add(new Case(command, outcome, s -> s.run()).toString());
                    }
                }));
        assertThat(tried).isEqualTo(cells);
    }

    @Test
    void everyCommandHasARow() {
        var out = new ArrayList<String>();
        try (var stage = new Stage(directory)) {
            Consumer<String> names = text -> text.lines()
                    .filter(line -> line.matches("  [a-z][a-z-]+ .*"))
                    .map(line -> line.strip().split(" ", -1)[0])
                    .forEach(out::add);
            names.accept(stage.run("help").out());
            assertThat(out).contains("cat", "cert", "cluster", "ssh");
            for (String group : List.of("cert", "cluster", "machine", "rollout", "token", "user")) {
                out.remove(group);
                var members = new ArrayList<String>();
                stage.run(group, "--help")
                        .out()
                        .lines()
                        .filter(line -> line.matches("  [a-z][a-z-]+ .*"))
                        .map(line -> group + " " + line.strip().split(" ", -1)[0])
                        .forEach(members::add);
                assertThat(members).isNotEmpty();
                out.addAll(members);
            }
        }
        assertThat(documented().keySet()).containsExactlyInAnyOrderElementsOf(out);
    }

    /** ssh's own code is 255 where it could not connect, else that of the command over there. */
    @Test
    void sshReturnsWhatTheRemoteCommandReturns() {
        var terminal = new Terminal(System.in, System.out, System.err, Map.of(), directory, false);
        try (var session = new Session(terminal, new GlobalOptions())) {
            assertThat(new SshCommand(session).run(List.of("sh", "-c", "exit 7")))
                    .isEqualTo(7);
        }
    }

    /** A unit on its way, told of by its machine. */
    @Test
    void aFailedStopAndAFailedLoadHaveTheirJournalToo() {
        try (var stage = new Stage(directory)) {
            stage.unit("a.service", "start");
            stage.cluster.engines.getFirst().journal.addAll(List.of("it can't be stopped"));
            stage.cluster.hold();
            Unit unit = Objects.requireNonNull(stage.cluster.units.get("a.service"));
            stage.cluster.show(unit.toBuilder()
                    .setTargetState(TargetState.TARGET_STATE_LOADED)
                    .setCurrentState(TargetState.TARGET_STATE_LAUNCHED)
                    .build());
            stage.cluster.report(UnitState.newBuilder()
                    .setName("a.service")
                    .setMachineId(M1)
                    .setHash(unit.getHash())
                    .setActiveState("active")
                    .setSubState("running")
                    .setPending(true)
                    .setError("it was not stopped: timeout")
                    .build());
            Result stop = stage.run("stop", "a.service");
            assertThat(stop.exit()).as(stop.err()).isEqualTo(1);
            assertThat(stop.err())
                    .contains(
                            "it was not stopped: timeout", "Last lines of the journal of a.service:", "  it can't be");
        }
    }
}
