package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.RegistryRow;

/**
 * What there is one of.
 *
 * @param incarnation the life of the registry; 0 before the cluster's first entry
 * @param clockMs highest leader time applied, in milliseconds of Unix time
 */
record RegistryInfo(long incarnation, long clockMs) implements StoredRow {
    @Override
    public ByteString rowKey() {
        return StoredRow.key('r');
    }

    @Override
    public ByteString rowValue() {
        return RegistryRow.newBuilder()
                .setIncarnation(incarnation)
                .setClockMs(clockMs)
                .build()
                .toByteString();
    }
}
