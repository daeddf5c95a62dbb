package io.raftfleet.etcd;

import org.jspecify.annotations.Nullable;

/**
 * How the mirror is, for operators. Times are Unix times in milliseconds.
 *
 * @param active whether this engine leads, and so writes the mirror
 * @param caughtUp whether all that was changed so far is in etcd
 * @param mirrored version up to which etcd has all; 0 when that is not known yet
 * @param last version of the registry's latest change of a mirrored fact
 * @param behindSinceMs since when it is not caught up; 0 when it is
 * @param error what went wrong last and still does; null when all is well
 * @param errorSinceMs since when; 0 when all is well
 * @param keysWritten keys put and deleted by this process, its own bookkeeping not among them
 * @param bytesWritten of these, keys and values
 * @param transactions committed by this process
 * @param putRight keys that someone else had changed or deleted
 */
public record MirrorStatus(
        boolean active,
        boolean caughtUp,
        long mirrored,
        long last,
        long behindSinceMs,
        @Nullable String error,
        long errorSinceMs,
        long keysWritten,
        long bytesWritten,
        long transactions,
        long putRight) {}
