package io.raftfleet.etcd;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Which etcd, and how.
 *
 * @param servers its members' client URLs
 * @param prefix of all keys
 * @param username with {@code password} or {@code passwordFile}; empty for none
 * @param passwordFile whose first line is the password; read again when it changes
 * @param caFile certificates that sign its members', PEM; empty: the JDK's
 * @param certFile certificate to show it, PEM, with {@code keyFile}; empty for none
 * @param sync whether a write is acknowledged only once it is in etcd, too
 */
public record EtcdSettings(
        List<URI> servers,
        String prefix,
        Optional<String> username,
        Optional<String> password,
        Optional<Path> passwordFile,
        Optional<Path> caFile,
        Optional<Path> certFile,
        Optional<Path> keyFile,
        boolean sync) {
    /** Where the mirror's keys are unless told otherwise. */
    public static final String DEFAULT_PREFIX = "/raftfleet/";

    public EtcdSettings {
        servers = List.copyOf(servers);
    }

    boolean tls() {
        return servers.stream().anyMatch(server -> "https".equals(server.getScheme()));
    }

    @Override
    public String toString() {
        return servers + " below " + prefix;
    }
}
