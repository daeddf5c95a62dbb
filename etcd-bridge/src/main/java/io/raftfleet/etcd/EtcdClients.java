package io.raftfleet.etcd;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Makes connections to etcd, with the certificates and the password as they are on the disk at that moment. */
final class EtcdClients {
    private static final int MAX_MESSAGE = 64 * 1024 * 1024;
    private static final Duration KEEPALIVE = Duration.ofSeconds(5);

    private final EtcdSettings settings;
    private final Duration deadline;

    EtcdClients(EtcdSettings settings, Duration deadline) {
        this.settings = settings;
        this.deadline = deadline;
    }

    /** Connects; etcd may be away, which the first call says. */
    EtcdStore open() throws EtcdException {
        var builder = Client.builder()
                .endpoints(settings.servers())
                .connectTimeout(deadline)
                .keepaliveTime(KEEPALIVE)
                .keepaliveTimeout(KEEPALIVE)
                .keepaliveWithoutCalls(true)
                .maxInboundMessageSize(MAX_MESSAGE)
                .waitForReady(false)
                .retryMaxAttempts(1)
                .retryMaxDuration(deadline);
        settings.username().ifPresent(name -> builder.user(ByteSequence.from(name, StandardCharsets.UTF_8)));
        var password = password();
        if (password != null) {
            builder.password(ByteSequence.from(password, StandardCharsets.UTF_8));
        }
        if (settings.tls()) {
            builder.sslContext(tls());
        }
        return new EtcdStore(builder.build(), deadline);
    }

    /** When the certificates and the password last changed: another list after they did. */
    List<FileTime> credentials() {
        var times = new ArrayList<FileTime>();
        for (Optional<Path> file :
                List.of(settings.caFile(), settings.certFile(), settings.keyFile(), settings.passwordFile())) {
            if (file.isPresent()) {
                try {
                    times.add(Files.getLastModifiedTime(file.get()));
                } catch (IOException e) {
                    times.add(FileTime.fromMillis(0));
                }
            }
        }
        return times;
    }

    private @Nullable String password() throws EtcdException {
        var file = settings.passwordFile().orElse(null);
        if (file == null) {
            return settings.password().orElse(null);
        }
        try {
            return Files.readString(file).lines().findFirst().orElse("");
        } catch (IOException e) {
            throw new EtcdException(
                    "the password for etcd can't be read (" + e + "): see etcd_password_file", e, false);
        }
    }

    private SslContext tls() throws EtcdException {
        try {
            var context = GrpcSslContexts.forClient();
            if (settings.caFile().isPresent()) {
                context.trustManager(settings.caFile().get().toFile());
            }
            if (settings.certFile().isPresent() && settings.keyFile().isPresent()) {
                context.keyManager(
                        settings.certFile().get().toFile(),
                        settings.keyFile().get().toFile());
            }
            return context.build();
        } catch (IOException | IllegalArgumentException e) {
            throw new EtcdException(
                    "the certificates for etcd can't be used (" + e.getMessage()
                            + "): see etcd_cafile, etcd_certfile and etcd_keyfile",
                    e,
                    false);
        }
    }
}
