package io.raftfleet.engine.admission;

import io.grpc.Metadata;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Gives a call that brings no deadline one, and cuts down one that is too far, by its {@code grpc-timeout} header: what gRPC
 * then does at the deadline, resetting the stream, frees all that the call holds, whatever its client does.
 */
final class CallDeadline {
    private static final Metadata.Key<String> TIMEOUT =
            Metadata.Key.of("grpc-timeout", Metadata.ASCII_STRING_MARSHALLER);

    private CallDeadline() {}

    static void set(Metadata headers, MethodLimit method) {
        if (method.unlessTold() == null || method.longest() == null) {
            return;
        }
        String told = headers.get(TIMEOUT);
        long longest = method.longest().toMillis();
        long millis = told == null ? method.unlessTold().toMillis() : Math.min(longest, millis(told, longest));
        if (told == null || millis == longest) {
            headers.removeAll(TIMEOUT);
            headers.put(TIMEOUT, millis + "m");
        }
    }

    /** What the header says, rounded up; {@code otherwise} if it says nothing that gRPC knows, which it refuses itself. */
    private static long millis(String told, long otherwise) {
        if (told.length() < 2 || told.length() > 9) {
            return otherwise - 1;
        }
        @Nullable
        TimeUnit unit = switch (told.charAt(told.length() - 1)) {
            case 'n' -> TimeUnit.NANOSECONDS;
            case 'u' -> TimeUnit.MICROSECONDS;
            case 'm' -> TimeUnit.MILLISECONDS;
            case 'S' -> TimeUnit.SECONDS;
            case 'M' -> TimeUnit.MINUTES;
            case 'H' -> TimeUnit.HOURS;
            default -> null;
        };
        String digits = told.substring(0, told.length() - 1);
        if (unit == null || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return otherwise - 1;
        }
        return unit.toMillis(Long.parseLong(digits));
    }
}
