package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.LogReader;
import org.jspecify.annotations.Nullable;

/**
 * Copies a log to the output as it arrives: as it is into a file or a pipe, and as {@code journalctl} does with nothing in it
 * that a terminal would act on where a person watches.
 */
final class LogPrinter {
    private LogPrinter() {}

    /** Returns at the log's end, or when nobody reads the output any more ({@code | head}). */
    static void print(Session session, LogReader log) {
        LogText decoder = session.terminal().screen() ? new LogText() : null;
        try (log) {
            for (@Nullable ByteString bytes = log.next(); bytes != null; bytes = log.next()) {
                if (decoder == null) {
                    session.terminal().out().write(bytes.toByteArray(), 0, bytes.size());
                } else {
                    session.terminal().out().append(decoder.next(bytes));
                }
                if (session.terminal().out().checkError()) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether a log that was being followed broke off, so that it is worth following on another engine. */
    static boolean brokeOff(FleetClientException e) {
        return e.code() == Status.Code.UNAVAILABLE
                && String.valueOf(e.getMessage()).startsWith("the log broke off");
    }
}
