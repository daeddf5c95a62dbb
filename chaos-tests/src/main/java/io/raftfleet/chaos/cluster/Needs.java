package io.raftfleet.chaos.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What this host lacks and how to get it, in one line. Package names are Debian's. */
public final class Needs {
    private static final int LONGEST = 200;
    private static final Pattern NO_HEADER = Pattern.compile("fatal error: (\\S+): No such file");
    private static final Map<String, String> PACKAGES = Map.of(
            "gcc", "gcc",
            "pkg-config", "pkg-config",
            "ip", "iproute2",
            "iptables", "iptables",
            "nsenter", "util-linux",
            "etcd", "etcd-server",
            "etcdctl", "etcd-client",
            "openssl", "openssl");
    /** By a word of what compilers and pkg-config say when they miss them. */
    private static final Map<String, String> LIBRARIES = Map.of(
            "fuse", "libfuse3-dev",
            "netfilter_queue", "libnetfilter-queue-dev",
            "netfilter", "linux-libc-dev",
            "dlfcn.h", "libc6-dev");

    private Needs() {}

    /** Which of these programs are not installed, and what to install; empty when all are there. */
    public static String programs(String... programs) {
        var missing = Stream.of(programs).filter(program -> !onPath(program)).toList();
        if (missing.isEmpty()) {
            return "";
        }
        var packages = new TreeSet<String>();
        missing.forEach(program -> packages.add(PACKAGES.getOrDefault(program, program)));
        return "not installed: " + String.join(", ", missing) + "; apt-get install " + String.join(" ", packages);
    }

    /** Why only root can do something, when this is not root; empty otherwise. */
    public static String root() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0) ? "" : "not root; run it as root";
        } catch (IOException e) {
            return "";
        }
    }

    /** The same failure in one line, with what to install when a library is missing. */
    public static String explained(String failure) {
        var header = NO_HEADER.matcher(failure);
        var found = header.find() ? header.group(1) : failure;
        if (header.reset().find() || failure.startsWith("pkg-config") || failure.contains("cannot find -l")) {
            var library = LIBRARIES.entrySet().stream()
                    .filter(entry -> found.contains(entry.getKey()))
                    .max(Comparator.comparingInt(entry -> entry.getKey().length()));
            if (library.isPresent()) {
                return "not installed: the headers of " + library.get().getKey() + "; apt-get install "
                        + library.get().getValue();
            }
        }
        var line = failure.strip().replaceAll("\\s+", " ");
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + " ...";
    }

    private static boolean onPath(String program) {
        return Stream.of(String.valueOf(System.getenv("PATH")).split(":", -1))
                .filter(folder -> !folder.isEmpty())
                .anyMatch(folder -> Files.isExecutable(Path.of(folder).resolve(program)));
    }
}
