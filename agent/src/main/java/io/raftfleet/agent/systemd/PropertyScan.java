package io.raftfleet.agent.systemd;

import java.nio.ByteBuffer;

/**
 * Picks single values out of the body of a {@code PropertiesChanged} signal. systemd sends some three kilobytes of
 * properties with each change of a service, of which one number matters here; to have dbus-java make objects of all of them
 * would be most of the work of the whole agent.
 *
 * <p>For one signal and the thread that reads it.
 */
final class PropertyScan {
    private final ByteBuffer body;

    /** Hears of changed properties of basic types. */
    interface Visitor {
        /** Whether a property's value is wanted; others are passed over. */
        boolean wants(String property);

        /** A property of type string. */
        void text(String property, String value);

        /** A property of type uint32, int32 or boolean: 0 or 1. */
        void number(String property, long value);
    }

    /**
     * @param body of signature {@code sa{sv}as}, in the byte order of the message
     */
    PropertyScan(ByteBuffer body) {
        this.body = body;
    }

    /** The interface whose properties changed. */
    String interfaceName() {
        body.position(0);
        return Wire.string(body);
    }

    /**
     * Visits the changed properties.
     *
     * @throws IllegalArgumentException or {@link java.nio.BufferUnderflowException} when the signal is malformed
     */
    void visit(Visitor visitor) {
        body.position(0);
        Wire.skipString(body);
        int end = Wire.array(body, 8);
        while (body.position() < end) {
            Wire.align(body, 8);
            String property = Wire.string(body);
            String signature = Wire.signature(body);
            if (!visitor.wants(property)) {
                Wire.skip(body, signature);
            } else if (signature.equals("s")) {
                visitor.text(property, Wire.string(body));
            } else if (signature.equals("u") || signature.equals("b")) {
                visitor.number(property, Wire.uint32(body));
            } else if (signature.equals("i")) {
                visitor.number(property, Wire.int32(body));
            } else {
                Wire.skip(body, signature);
            }
        }
    }
}
