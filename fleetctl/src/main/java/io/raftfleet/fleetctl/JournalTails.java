package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.LogReader;
import io.raftfleet.proto.fleet.JournalRequest;
import java.io.ByteArrayOutputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The last lines that units which failed left in the journals of their machines, for people. To be used by one thread. */
final class JournalTails {
    private static final int LINES = 5;
    private static final int MOST_BYTES = 16 << 10;
    private static final long PATIENCE_MILLIS = 2000;

    private final Session session;

    JournalTails(Session session) {
        this.session = session;
    }

    /** Prints what there is; a journal that can't be read is left out: it is not what the command was about. */
    void print(String unit) {
        print(unit, "");
    }

    /** The same of a global unit, on one of its machines. */
    void print(String unit, String machineId) {
        String text = read(unit, machineId);
        if (!text.isBlank()) {
            session.err("Last lines of the journal of " + unit + ":");
            text.lines().forEach(line -> session.err("  " + line));
        }
    }

    private String read(String unit, String machineId) {
        try (LogReader log = session.client()
                .journal(JournalRequest.newBuilder()
                        .setUnit(unit)
                        .setMachineId(machineId)
                        .setLines(LINES)
                        .build())) {
            var read = new CompletableFuture<String>();
            Thread.ofVirtual().name("journal-tail").start(() -> read.complete(all(log)));
            return read.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (FleetClientException | ExecutionException | TimeoutException unreadable) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    private static String all(LogReader log) {
        var bytes = new ByteArrayOutputStream();
        try {
            for (@Nullable ByteString next = log.next(); next != null && bytes.size() < MOST_BYTES; next = log.next()) {
                bytes.writeBytes(next.toByteArray());
            }
        } catch (FleetClientException brokenOff) {
            // What came before may be enough.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return bytes.toString(java.nio.charset.StandardCharsets.UTF_8);
    }
}
