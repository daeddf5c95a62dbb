package io.raftfleet.etcd.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Everything that happens to keys with a prefix from a revision on, in order, as {@code etcdctl watch} tells it. The listener
 * is called by one thread; it ends with {@link #close}, or with the server.
 */
public final class EtcdWatch implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    /**
     * What happened to a key.
     *
     * @param revision of etcd; the same for all changes of one transaction
     * @param value null when it was deleted
     */
    public record Change(
            String key, long revision, @Nullable String value) {}

    private final Process process;
    private final Consumer<List<Change>> listener;
    private final CountDownLatch ended = new CountDownLatch(1);

    private EtcdWatch(Process process, Consumer<List<Change>> listener) {
        this.process = process;
        this.listener = listener;
    }

    /** @param listener of whole transactions, one or several at a time */
    public static EtcdWatch open(EtcdServer server, String prefix, long fromRevision, Consumer<List<Change>> listener) {
        var command = server.etcdctl();
        command.addAll(List.of("watch", "--prefix", prefix, "--rev", Long.toString(fromRevision), "-w", "json"));
        try {
            var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
            builder.environment().put("ETCDCTL_API", "3");
            var watch = new EtcdWatch(builder.start(), listener);
            Thread.ofVirtual().start(watch::read);
            return watch;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read() {
        try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                var changes = new ArrayList<Change>();
                for (var event : JSON.readTree(line).path("Events")) {
                    changes.add(change(event));
                }
                if (!changes.isEmpty()) {
                    listener.accept(changes);
                }
            }
        } catch (IOException e) {
            // The process was ended.
        } finally {
            ended.countDown();
        }
    }

    private static Change change(JsonNode event) {
        var entry = event.path("kv");
        boolean deleted = event.path("type").asInt(0) == 1;
        return new Change(
                text(entry.path("key")),
                entry.path("mod_revision").longValue(),
                deleted ? null : text(entry.path("value")));
    }

    private static String text(JsonNode base64) {
        return new String(Base64.getDecoder().decode(base64.asString("")), StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!ended.await(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
