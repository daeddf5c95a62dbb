package io.raftfleet.engine.admission;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.WireFormat;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Counts a serialised message's fields, those of messages within it too: an empty one takes two bytes on the wire and many times
 * that as an object, so that the length of a message does not bound what it becomes.
 */
final class MessageElements {
    /** What an object and its place in a list take on the heap, in bytes, roughly. */
    static final int BYTES_EACH = 48;

    private static final int DEEPEST = 20;

    private MessageElements() {}

    /** What the requests of a method are; null when that is not known. */
    static @Nullable Descriptor requests(MethodDescriptor<?, ?> method) {
        return method.getSchemaDescriptor() instanceof ProtoMethodDescriptorSupplier proto
                ? proto.getMethodDescriptor().getInputType()
                : null;
    }

    /** How many there are, of a malformed message up to where that shows: parsing it will say so. */
    static int count(byte[] message, Descriptor type) {
        var count = new int[1];
        try {
            count(CodedInputStream.newInstance(message), type, count, 0);
        } catch (IOException e) {
            return count[0];
        }
        return count[0];
    }

    private static void count(CodedInputStream in, Descriptor type, int[] count, int depth) throws IOException {
        while (true) {
            int tag = in.readTag();
            if (tag == 0) {
                return;
            }
            count[0]++;
            var field = type.findFieldByNumber(WireFormat.getTagFieldNumber(tag));
            if (field != null
                    && depth < DEEPEST
                    && field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
                    && WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
                int outer = in.pushLimit(in.readRawVarint32());
                count(in, field.getMessageType(), count, depth + 1);
                in.popLimit(outer);
            } else if (!in.skipField(tag)) {
                return;
            }
        }
    }
}
