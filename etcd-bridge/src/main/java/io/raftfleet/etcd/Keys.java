package io.raftfleet.etcd;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Names of the mirror's keys: the prefix, and below it {@code watermark}, {@code contents/HASH}, {@code sources/DIGEST},
 * {@code units/NAME}, {@code schedule/NAME} and {@code metadata/MACHINE}. Other keys below the prefix are nobody's business.
 */
final class Keys {
    private final String prefix;

    /** A key of a fact. */
    record FactKey(MirrorValue.Kind kind, String id) {}

    Keys(String prefix) {
        this.prefix = prefix.endsWith("/") ? prefix : prefix + "/";
    }

    String prefix() {
        return prefix;
    }

    String watermark() {
        return prefix + "watermark";
    }

    /** Before all keys of a kind. */
    String folder(MirrorValue.Kind kind) {
        return prefix + kind.folder() + "/";
    }

    /** After all keys of a kind. */
    String folderEnd(MirrorValue.Kind kind) {
        return prefix + kind.folder() + "0"; // the character after '/'
    }

    String of(MirrorValue.Kind kind, String id) {
        return folder(kind) + id;
    }

    String id(MirrorValue.Kind kind, String key) {
        return key.substring(folder(kind).length());
    }

    Optional<FactKey> parse(@Nullable String key) {
        if (key != null) {
            for (var kind : MirrorValue.Kind.values()) {
                if (key.startsWith(folder(kind))) {
                    return Optional.of(new FactKey(kind, id(kind, key)));
                }
            }
        }
        return Optional.empty();
    }
}
