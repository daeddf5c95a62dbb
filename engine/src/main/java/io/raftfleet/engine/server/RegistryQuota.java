package io.raftfleet.engine.server;

import io.raftfleet.settings.SettingsException;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * How much of the heap the registry may take. The rest is for what comes and goes: entries on their way into the log and out of it,
 * messages and requests in flight, checkpoints being written, the window of events, and room for the collector, without which it
 * would do little else.
 */
final class RegistryQuota {
    /** Beyond this share collections would take most of the time. */
    private static final int MAX_PERCENT = 75;

    /** With more than this share a heap does not work any more. */
    private static final int CAPACITY_PERCENT = 85;

    private static final long SMALLEST = 1 << 20;
    private static final int EVENTS_SHARE = 16;
    private static final Pattern FORM = Pattern.compile("([0-9]{1,15})([%kKmMgG]?)");

    private RegistryQuota() {}

    /**
     * Reads a share of the heap, such as {@code 50%}, or a number of bytes, such as {@code 256M}.
     *
     * @param heap largest size of the heap, in bytes
     * @return bytes
     */
    static long parse(String text, long heap) throws SettingsException {
        var match = FORM.matcher(text.strip());
        if (!match.matches()) {
            throw new SettingsException("registry_quota \"" + text
                    + "\" is neither a share of the heap, such as 50%, nor a size, such as 256M or 2G");
        }
        long number = Long.parseLong(match.group(1));
        long most = share(heap, MAX_PERCENT);
        long bytes = switch (match.group(2).toLowerCase(Locale.ROOT)) {
            case "%" -> share(heap, number);
            case "k" -> saturated(number, 10);
            case "m" -> saturated(number, 20);
            case "g" -> saturated(number, 30);
            default -> number;
        };
        if (bytes > most || bytes < SMALLEST) {
            throw new SettingsException("registry_quota " + text + ": of a heap of " + (heap >> 20)
                    + " MiB the registry may have 1 to " + (most >> 20) + " MiB (" + MAX_PERCENT
                    + "%): give less, or a larger heap");
        }
        return bytes;
    }

    private static long share(long heap, long percent) {
        return (long) ((double) heap * percent / 100);
    }

    private static long saturated(long number, int shift) {
        return number > Long.MAX_VALUE >> shift ? Long.MAX_VALUE : number << shift;
    }

    /** Most bytes of a heap that a registry can take, which may be more than its quota: for an engine that was given less memory. */
    static long capacity(long heap) {
        return share(heap, CAPACITY_PERCENT);
    }

    /** What the changes may take that watches can resume from, besides. */
    static long events(long heap) {
        return heap / EVENTS_SHARE;
    }
}
