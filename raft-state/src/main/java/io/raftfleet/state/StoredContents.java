package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.ContentsRow;
import io.raftfleet.unit.UnitHash;

/**
 * Contents of unit files, once per hash.
 *
 * @param version when they were stored
 */
record StoredContents(UnitHash hash, String text, long version) implements StoredRow {
    @Override
    public ByteString rowKey() {
        return ByteString.copyFromUtf8("c").concat(hash.toByteString());
    }

    @Override
    public ByteString rowValue() {
        return ContentsRow.newBuilder()
                .setHash(hash.toByteString())
                .setText(text)
                .setVersion(version)
                .build()
                .toByteString();
    }
}
