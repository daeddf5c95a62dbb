package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.freedesktop.dbus.messages.Message;
import org.freedesktop.dbus.messages.MessageFactory;
import org.freedesktop.dbus.types.UInt32;
import org.freedesktop.dbus.types.Variant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PropertyScanTest {
    @ParameterizedTest
    @ValueSource(chars = {'l', 'B'})
    void findsValuesAmongAllKindsOfOthers(char endian) throws Exception {
        Map<String, Variant<?>> properties = new LinkedHashMap<>();
        properties.put("Byte", new Variant<>((byte) 1));
        properties.put("Yes", new Variant<>(true));
        properties.put("Short", new Variant<>((short) 3));
        properties.put("Long", new Variant<>(1L << 40));
        properties.put("Strings", new Variant<>(List.of("a", "bc"), "as"));
        properties.put("MainPID", new Variant<>(new UInt32(4_000_000_000L)));
        properties.put("ExecMainStatus", new Variant<>(-3));
        properties.put("Nested", new Variant<>(new Variant<>("inside")));
        properties.put("Pairs", new Variant<>(Map.of("k", "v"), "a{ss}"));
        properties.put("NoLongs", new Variant<>(List.of(), "ax"));
        properties.put("ActiveState", new Variant<>("active"));
        properties.put("SubState", new Variant<>(""));
        var found = new Found();
        var scan = new PropertyScan(body(endian, "an.Interface", properties));
        assertThat(scan.interfaceName()).isEqualTo("an.Interface");
        scan.visit(found);
        assertThat(found.values)
                .containsExactly(
                        Map.entry("Yes", 1L),
                        Map.entry("MainPID", 4_000_000_000L),
                        Map.entry("ExecMainStatus", -3L),
                        Map.entry("ActiveState", "active"),
                        Map.entry("SubState", ""));
    }

    /** What is cut off or damaged is refused, never read beyond its end or for ever. */
    @Property
    void survivesDamage(@ForAll int where, @ForAll byte what, @ForAll boolean cut) throws Exception {
        ByteBuffer body = body(
                'l',
                "an.Interface",
                Map.of("Strings", new Variant<>(List.of("a"), "as"), "SubState", new Variant<>("x")));
        int at = Math.floorMod(where, body.limit());
        byte[] bytes = new byte[cut ? at : body.limit()];
        body.get(0, bytes);
        if (!cut) {
            bytes[at] = what;
        }
        ByteBuffer damaged = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        try {
            var scan = new PropertyScan(damaged);
            scan.interfaceName();
            scan.visit(new Found());
        } catch (IllegalArgumentException | BufferUnderflowException refused) {
            assertThat(refused).isNotNull();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "(", "a{s", "z", "(s"})
    void refusesSignaturesThatAreNone(String signature) {
        ByteBuffer zeros = ByteBuffer.allocate(64);
        assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> Wire.skip(zeros, signature));
    }

    static ByteBuffer body(char endian, String interfaceName, Map<String, Variant<?>> properties) throws Exception {
        Message signal = new MessageFactory((byte) endian)
                .createSignal(
                        null,
                        "/a/path",
                        Systemd.PROPERTIES,
                        "PropertiesChanged",
                        "sa{sv}as",
                        interfaceName,
                        properties,
                        List.of());
        var bytes = new ByteArrayOutputStream();
        for (byte[] part : signal.getWireData()) {
            if (part != null) {
                bytes.writeBytes(part);
            }
        }
        ByteBuffer whole = ByteBuffer.wrap(bytes.toByteArray())
                .order(endian == 'l' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        byte[] body = new byte[whole.getInt(4)];
        whole.get(whole.limit() - body.length, body);
        return ByteBuffer.wrap(body).order(whole.order());
    }

    private static final class Found implements PropertyScan.Visitor {
        final Map<String, Object> values = new LinkedHashMap<>();

        @Override
        public boolean wants(String property) {
            return !property.equals("Long");
        }

        @Override
        public void text(String property, String value) {
            values.put(property, value);
        }

        @Override
        public void number(String property, long value) {
            values.put(property, value);
        }
    }
}
