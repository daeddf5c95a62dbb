package io.raftfleet.etcd;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.grpc.netty.GrpcSslContexts;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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

    /**
     * Looks at certificates and password without etcd.
     *
     * @throws EtcdException names the setting and the file that can't be used, and why
     */
    void checkCredentials() throws EtcdException {
        password();
        if (settings.tls()) {
            tls();
        }
    }

    private @Nullable String password() throws EtcdException {
        var file = settings.passwordFile().orElse(null);
        if (file == null) {
            return settings.password().orElse(null);
        }
        try {
            return Files.readString(file).lines().findFirst().orElse("");
        } catch (IOException e) {
            throw unreadable("etcd_password_file", file, e);
        }
    }

    private static void checkReadable(String setting, Optional<Path> file) throws EtcdException {
        if (file.isPresent()) {
            try (var in = Files.newInputStream(file.get())) {
                in.read();
            } catch (IOException e) {
                throw unreadable(setting, file.get(), e);
            }
        }
    }

    private static EtcdException unreadable(String setting, Path file, IOException e) {
        var why = switch (e) {
            case NoSuchFileException missing -> "is not there";
            case AccessDeniedException denied -> "may not be read by user " + System.getProperty("user.name");
            default -> "can't be read: " + e.getMessage();
        };
        return new EtcdException(setting + " " + file + " " + why, e);
    }

    private SslContext tls() throws EtcdException {
        checkReadable("etcd_cafile", settings.caFile());
        checkReadable("etcd_certfile", settings.certFile());
        checkReadable("etcd_keyfile", settings.keyFile());
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
                    e);
        }
    }
}
