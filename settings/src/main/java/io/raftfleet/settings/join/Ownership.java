package io.raftfleet.settings.join;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.util.List;

/** Whose files are that a person, most often root, writes for a daemon that runs as somebody else. */
public final class Ownership {
    private Ownership() {}

    /**
     * Everything below a directory belongs to the directory's owner and group afterwards. Links are changed themselves, never
     * followed.
     *
     * @throws IOException when it can't be given away: only root can
     */
    public static void asDirectory(Path directory) throws IOException {
        var owner = Files.readAttributes(directory, PosixFileAttributes.class);
        List<Path> below;
        try (var files = Files.walk(directory)) {
            below = files.toList();
        }
        for (Path file : below) {
            give(file, owner);
        }
    }

    /**
     * These files, wherever they are, belong to a directory's owner and group afterwards. Links are changed themselves.
     *
     * @throws IOException when one can't be given away: only root can
     */
    public static void asDirectory(Path directory, List<Path> files) throws IOException {
        var owner = Files.readAttributes(directory, PosixFileAttributes.class);
        for (Path file : files) {
            give(file, owner);
        }
    }

    /** A file belongs to this owner and group afterwards. */
    static void give(Path file, PosixFileAttributes owner) throws IOException {
        var view = Files.getFileAttributeView(file, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        var now = view.readAttributes();
        if (!now.group().equals(owner.group())) {
            view.setGroup(owner.group());
        }
        if (!now.owner().equals(owner.owner())) {
            view.setOwner(owner.owner());
        }
    }
}
