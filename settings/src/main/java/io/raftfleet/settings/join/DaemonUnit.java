package io.raftfleet.settings.join;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Starts a daemon's systemd service, where that is installed. */
public final class DaemonUnit {
    private static final Path SYSTEMD = Path.of("/run/systemd/system");

    private DaemonUnit() {}

    /**
     * Enables and starts the service; says what is to be done when there is none.
     *
     * @param daemon also the service's name
     * @param config its configuration, for the hint
     * @param stay do nothing but say how it is started
     * @return whether this process is to become the daemon
     * @throws IOException when the service can't be started
     */
    public static boolean startOr(String daemon, Path config, boolean stay) throws IOException {
        boolean installed = Files.isDirectory(SYSTEMD)
                && Stream.of("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
                        .anyMatch(directory -> Files.exists(Path.of(directory, daemon + ".service")));
        if (stay) {
            System.out.println("Start it with: "
                    + (installed ? "systemctl enable --now " + daemon : daemon + " --config " + config));
            return false;
        }
        if (!installed) {
            return true;
        }
        for (String verb : List.of("enable", "restart")) {
            try {
                Process process = new ProcessBuilder("systemctl", verb, daemon + ".service")
                        .inheritIO()
                        .start();
                if (process.waitFor() != 0) {
                    throw new IOException(
                            "systemctl " + verb + " " + daemon + " failed: see systemctl status " + daemon);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }
        System.out.println("The service " + daemon + " is started.");
        return false;
    }
}
