package io.raftfleet.engine.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.type.LogicalType;

/**
 * Reads and writes the API's JSON the way fleet's Go code does: names of fields in any case, unknown fields ignored, no
 * number taken for a string, empty fields left out.
 */
final class Json {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .changeDefaultPropertyInclusion(inclusion -> inclusion.withValueInclusion(JsonInclude.Include.NON_EMPTY))
            .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_PROPERTIES)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .withCoercionConfig(LogicalType.Textual, strict -> {
                strict.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail);
                strict.setCoercion(CoercionInputShape.Float, CoercionAction.Fail);
                strict.setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail);
            })
            .build();

    private Json() {}

    static ByteString write(Object document) {
        return UnsafeByteOperations.unsafeWrap(MAPPER.writeValueAsBytes(document));
    }

    /**
     * Reads a request's body.
     *
     * @throws HttpProblem 400 with line and column when the body isn't JSON or has a field of another type
     */
    static <T> T read(ByteString body, Class<T> type) {
        if (body.isEmpty()) {
            throw new HttpProblem(400, "unable to decode body: it is empty; a JSON document is expected");
        }
        T value;
        try {
            value = MAPPER.readValue(body.newInput(), type);
        } catch (StreamReadException e) {
            throw new HttpProblem(400, "unable to decode body: malformed JSON" + at(e) + ": " + e.getOriginalMessage());
        } catch (JacksonException e) {
            throw new HttpProblem(400, "unable to decode body: " + field(e.getPath()) + " has the wrong type" + at(e));
        }
        if (value == null) {
            throw new HttpProblem(400, "unable to decode body: it is null; a JSON document is expected");
        }
        return value;
    }

    private static String at(JacksonException e) {
        TokenStreamLocation location = e.getLocation();
        return location == null ? "" : " at line " + location.getLineNr() + ", column " + location.getColumnNr();
    }

    private static String field(List<JacksonException.Reference> path) {
        if (path.isEmpty()) {
            return "the document";
        }
        StringBuilder field = new StringBuilder("field \"");
        for (JacksonException.Reference step : path) {
            if (step.getPropertyName() == null) {
                field.append('[').append(step.getIndex()).append(']');
            } else {
                field.append(field.length() > 7 ? "." : "").append(step.getPropertyName());
            }
        }
        return field.append('"').toString();
    }
}
