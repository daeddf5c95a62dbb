package io.raftfleet.fleetctl;

import io.raftfleet.unit.SafeText;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.SerializableString;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.io.CharacterEscapes;
import tools.jackson.core.io.SerializedString;
import tools.jackson.core.json.JsonFactory;

/**
 * Writes maps, lists, strings, numbers, booleans and nulls, one element of an outer list a line. What would act on a terminal stands there as its
 * number, which means the same.
 */
final class JsonOutput {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
            .characterEscapes(new Harmless())
            .build();

    private JsonOutput() {}

    /** JSON itself asks for escapes below U+0020 alone. */
    private static final class Harmless extends CharacterEscapes {
        private static final long serialVersionUID = 1L;
        private static final int DELETE = 0x7f;

        @Override
        public int[] getEscapeCodesForAscii() {
            int[] codes = standardAsciiEscapesForJSON();
            codes[DELETE] = ESCAPE_STANDARD;
            return codes;
        }

        @Override
        public @Nullable SerializableString getEscapeSequence(int character) {
            return SafeText.isPlain(Character.toString(character))
                    ? null
                    : new SerializedString(String.format("\\u%04x", character));
        }
    }

    static void print(PrintStream out, Object value) {
        try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), out)) {
            if (value instanceof List<?> list) {
                generator.writeStartArray();
                for (Object item : list) {
                    generator.writeRaw('\n');
                    write(generator, item);
                }
                generator.writeRaw('\n');
                generator.writeEndArray();
            } else {
                write(generator, value);
            }
            generator.writeRaw('\n');
        }
    }

    private static void write(JsonGenerator generator, @Nullable Object value) {
        switch (value) {
            case null -> generator.writeNull();
            case Map<?, ?> map -> {
                generator.writeStartObject();
                map.forEach((name, member) -> {
                    generator.writeName(String.valueOf(name));
                    write(generator, member);
                });
                generator.writeEndObject();
            }
            case List<?> list -> {
                generator.writeStartArray();
                list.forEach(item -> write(generator, item));
                generator.writeEndArray();
            }
            case Boolean bool -> generator.writeBoolean(bool);
            case Integer number -> generator.writeNumber(number);
            case Long number -> generator.writeNumber(number);
            default -> generator.writeString(value.toString());
        }
    }
}
