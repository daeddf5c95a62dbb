package io.raftfleet.engine.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.etcd.EtcdSettings;
import io.raftfleet.etcd.Mirror;
import io.raftfleet.etcd.testing.EtcdServer;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** A registry with mirrors of it in real etcds, and what tests ask of them. Closes the mirrors. */
final class Mirrors implements AutoCloseable {
    static final String PREFIX = "/raftfleet/";
    static final String CLUSTER = "9b9fd0c1-1b5e-4b0c-8d8e-111111111111";
    static final Mirror.Timing QUICK = new Mirror.Timing(
            Duration.ofSeconds(3),
            Duration.ofMillis(20),
            Duration.ofMinutes(10),
            Duration.ofMillis(50),
            Duration.ofMillis(500));

    final TestRegistry registry = new TestRegistry(7);
    private final List<Mirror> started = new ArrayList<>();

    static EtcdSettings settings(URI... servers) {
        return settings(List.of(servers), Optional.empty(), Optional.empty());
    }

    static EtcdSettings settings(URI server, String user, String password) {
        return settings(List.of(server), Optional.of(user), Optional.of(password));
    }

    private static EtcdSettings settings(List<URI> servers, Optional<String> user, Optional<String> password) {
        return new EtcdSettings(
                servers,
                PREFIX,
                user,
                password,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false);
    }

    /** A mirror of the registry that does nothing before it leads. */
    Mirror start(EtcdSettings settings) {
        return start(registry, settings);
    }

    /** A mirror of another registry. */
    Mirror start(TestRegistry other, EtcdSettings settings) {
        var mirror = new Mirror(
                CLUSTER, settings, new RegistrySource(other.registry), QUICK, InstantSource.system(), new Random());
        other.onChange(mirror::changed);
        mirror.start();
        started.add(mirror);
        return mirror;
    }

    /** A mirror of the registry that leads its first term. */
    Mirror lead(EtcdSettings settings) {
        var mirror = start(settings);
        mirror.leading(1);
        return mirror;
    }

    /** Waits until a mirror says that all that there is now is in etcd. */
    void awaitMirrored(Mirror by) throws Exception {
        long version = new RegistrySource(registry.registry).head().asOf();
        by.await(version, Duration.ofSeconds(30)).get(31, TimeUnit.SECONDS);
    }

    /** Waits until etcd has what the registry has, key by key, whatever the mirror says. */
    void awaitEqual(EtcdServer etcd) {
        Awaitility.await().atMost(60, TimeUnit.SECONDS).ignoreExceptions().untilAsserted(() -> assertEqual(etcd));
    }

    void assertEqual(EtcdServer etcd) {
        assertThat(keys(etcd)).isEqualTo(registry.expected(PREFIX));
    }

    /** All keys but the watermark. */
    static NavigableMap<String, String> keys(EtcdServer etcd) {
        var keys = etcd.dump(PREFIX);
        keys.remove(PREFIX + "watermark");
        return keys;
    }

    @Override
    public void close() {
        started.forEach(Mirror::close);
    }
}
