package io.raftfleet.engine.control;

import io.grpc.Status;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How much larger the registry may become by the entry in the making. What an entry frees counts once it is applied. Owned by the
 * decision thread; a new one for each entry.
 */
final class Budget {
    /** Bytes that answers may take in any registry. */
    private static final long SOME_ANSWERS = 1 << 20;

    private final long quota;
    private long held;

    /**
     * @param held bytes of the heap that the registry takes
     * @param quota bytes that it may take
     */
    Budget(long held, long quota) {
        this.held = held;
        this.quota = quota;
    }

    /** Takes {@code growth} bytes if they are there; otherwise says why not. What does not grow is never refused. */
    @Nullable
    String take(String what, long growth) {
        if (growth <= 0) {
            return null;
        }
        if (growth > quota - held) {
            return what + " needs " + mebibytes(growth) + " MiB of memory more, and of its quota of " + mebibytes(quota)
                    + " MiB the registry holds " + mebibytes(held)
                    + ": destroy units, or give all engines more memory or a larger registry_quota";
        }
        held += growth;
        return null;
    }

    /**
     * Why no further write can be taken now: answers of those before, which are kept for their retries, may take half of the quota, and a
     * mebibyte in any registry. Null when there is room.
     *
     * @param kept bytes of the heap that answers take
     */
    @Nullable
    String answers(long kept) {
        return kept <= Math.max(quota / 2, SOME_ANSWERS)
                ? null
                : "answers to the writes of the last ten minutes, which are kept for retries, take " + mebibytes(kept)
                        + " MiB of memory, half of the registry's quota: write less often, or more units with one call";
    }

    /** The answer to an item that was refused for this. */
    static ItemResult refusal(String why) {
        return Item.result(ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED, why);
    }

    /** The same where there are no items. */
    static RuntimeException failure(String why) {
        return Status.RESOURCE_EXHAUSTED.withDescription(why).asRuntimeException();
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, bytes < 10 << 20 ? "%.2f" : "%.0f", bytes / (double) (1 << 20));
    }
}
