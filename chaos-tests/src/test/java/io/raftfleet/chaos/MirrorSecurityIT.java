package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.mirror.MirrorKeys;
import io.raftfleet.etcd.testing.EtcdCertificates;
import io.raftfleet.etcd.testing.EtcdServer;
import io.raftfleet.proto.cluster.MirrorStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** An etcd that takes TLS with client certificates and a password, both of which change while the engine runs. */
@EnabledIf("io.raftfleet.etcd.testing.EtcdServer#installed")
class MirrorSecurityIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path dir;

    @Test
    void newCertificatesAndPasswordsAreTakenUpWithoutARestart() throws Exception {
        var certificates = new EtcdCertificates(dir.resolve("tls"));
        var password = Files.writeString(dir.resolve("password"), "first\n");
        try (var etcd = EtcdServer.start(dir.resolve("etcd"), certificates)) {
            requirePasswords(etcd);
            addUser(etcd, "first");
            try (var cluster = Cluster.start(options(etcd, certificates, password))) {
                var engine = cluster.engines().getFirst();
                long pid = engine.daemon().pid();
                launch(cluster, "a.service");
                awaitMirrored(cluster, etcd, "a.service");

                // What the engine has trusts the new server no more than the other way round.
                certificates.renew();
                etcd.kill();
                etcd.run();
                etcd.awaitReady();
                launch(cluster, "b.service");
                awaitMirrored(cluster, etcd, "b.service");

                etcd.etcdctl("user", "delete", "fleet");
                addUser(etcd, "second");
                launch(cluster, "c.service");
                Await.until(
                        "the status says what is wrong",
                        LIMIT,
                        () -> status(cluster).getLastError().contains("auth")
                                && status(cluster).getErrorSinceMs() > 0
                                && !status(cluster).getCaughtUp());
                assertThat(MirrorKeys.actual(etcd)).doesNotContainKey(MirrorKeys.PREFIX + "units/c.service");

                Files.writeString(password, "second\n");
                awaitMirrored(cluster, etcd, "c.service");
                assertThat(status(cluster).getLastError()).isEmpty();
                assertThat(engine.daemon().pid()).isEqualTo(pid);
            }
        }
    }

    private static ClusterOptions options(EtcdServer etcd, EtcdCertificates certificates, Path password) {
        return ClusterOptions.of("mirror-security")
                .withEngines(1)
                .with(AgentSpec.hollow("hollow", 1))
                .withSetting("etcd_servers", etcd.url().toString())
                .withSetting("etcd_cafile", certificates.ca().toString())
                .withSetting("etcd_certfile", certificates.clientCertificate().toString())
                .withSetting("etcd_keyfile", certificates.clientKey().toString())
                .withSetting("etcd_username", "fleet")
                .withSetting("etcd_password_file", password.toString());
    }

    private static void requirePasswords(EtcdServer etcd) {
        etcd.etcdctl("user", "add", "root:secret");
        etcd.etcdctl("user", "grant-role", "root", "root");
        // No more than the documentation asks for.
        etcd.etcdctl("role", "add", "mirror");
        etcd.etcdctl("role", "grant-permission", "mirror", "--prefix=true", "readwrite", MirrorKeys.PREFIX);
        etcd.etcdctl("auth", "enable");
        etcd.loginAs("root:secret");
    }

    private static void addUser(EtcdServer etcd, String password) {
        etcd.etcdctl("user", "add", "fleet:" + password);
        etcd.etcdctl("user", "grant-role", "fleet", "mirror");
    }

    private static void launch(Cluster cluster, String name) {
        Ops.launch(cluster.client(), List.of(name));
    }

    private static void awaitMirrored(Cluster cluster, EtcdServer etcd, String name) {
        Await.until(
                name + " is in etcd, and the mirror has caught up",
                LIMIT,
                () -> MirrorKeys.actual(etcd).containsKey(MirrorKeys.PREFIX + "units/" + name)
                        && status(cluster).getCaughtUp());
    }

    private static MirrorStatus status(Cluster cluster) {
        return cluster.engines().getFirst().status(Duration.ofSeconds(5)).getMirror();
    }
}
