package io.raftfleet.unit.limits;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.limits.Limit.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Compares a message with the {@link Limits} of its fields, before anything else looks at it. What is wrong is told by the
 * field's path and the reason, never by repeating the value. Thread-safe.
 */
public final class MessageCheck {
    /** Fields to look at, by kind of message. */
    private static final Map<Descriptor, List<Checked>> PLANS = new ConcurrentHashMap<>();

    private MessageCheck() {}

    /** @param limit null for a single message */
    private record Checked(FieldDescriptor field, @Nullable Limit limit) {}

    /**
     * The first field that is over its limit, and why; null when none is. Items of writes are counted and not looked into:
     * {@link #fault} is asked for each of them by whoever answers for it.
     */
    public static @Nullable String fault(Message message) {
        for (Checked checked : PLANS.computeIfAbsent(message.getDescriptorForType(), MessageCheck::plan)) {
            String fault = fault(message, checked);
            if (fault != null) {
                return fault;
            }
        }
        return null;
    }

    /** What is wrong with an item that is a unit's name alone; null when nothing is. */
    public static @Nullable String nameFault(String name) {
        return Limit.one(Kind.LINE, Limits.NAME_BYTES).fault(name);
    }

    private static List<Checked> plan(Descriptor type) {
        List<Checked> plan = new ArrayList<>();
        for (FieldDescriptor field : type.getFields()) {
            Limit limit = Limits.of(field);
            if (limit != null || field.getJavaType() == JavaType.MESSAGE) {
                plan.add(new Checked(field, limit));
            }
        }
        return plan;
    }

    private static @Nullable String fault(Message message, Checked checked) {
        FieldDescriptor field = checked.field();
        Limit limit = checked.limit();
        if (limit == null) {
            return message.hasField(field) ? inside(field.getName(), fault((Message) message.getField(field))) : null;
        }
        if (!field.isRepeated()) {
            return at(field.getName(), fault(message.getField(field), limit));
        }
        int count = message.getRepeatedFieldCount(field);
        String tooMany = limit.countFault(count);
        if (tooMany != null || limit.kind() == Kind.ITEMS || field.getJavaType() == JavaType.LONG) {
            return at(field.getName(), tooMany);
        }
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            Object value = message.getRepeatedField(field, i);
            String fault = fault(value, limit);
            if (fault != null) {
                String path = field.getName() + "[" + i + "]";
                return value instanceof Message ? inside(path, fault) : at(path, fault);
            }
            bytes += field.isMapField() ? size((Message) value) : 0;
        }
        return field.isMapField() && bytes > limit.bytes()
                ? at(field.getName(), "it has " + bytes + " bytes; at most " + limit.bytes() + " are allowed")
                : null;
    }

    private static @Nullable String fault(Object value, Limit limit) {
        return switch (value) {
            case String text -> limit.fault(text);
            case ByteString bytes -> limit.fault(bytes);
            case Message part -> fault(part);
            default -> null;
        };
    }

    private static long size(Message mapEntry) {
        long bytes = 0;
        for (Object part : mapEntry.getAllFields().values()) {
            bytes += part instanceof String text ? SafeText.bytes(text) : 0;
        }
        return bytes;
    }

    private static @Nullable String at(String field, @Nullable String fault) {
        return fault == null ? null : field + ": " + fault;
    }

    private static @Nullable String inside(String field, @Nullable String fault) {
        return fault == null ? null : field + "." + fault;
    }
}
