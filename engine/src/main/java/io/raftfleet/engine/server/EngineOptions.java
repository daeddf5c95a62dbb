package io.raftfleet.engine.server;

import com.google.common.net.HostAndPort;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.TlsOptions;
import io.raftfleet.settings.TraceOptions;
import io.raftfleet.settings.Verbosity;
import io.raftfleet.settings.log.LogFormat;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftConfig;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/** An engine's settings as it needs them. */
final class EngineOptions {
    /** As Go has it, which fleet was written in: {@code 30s}, {@code 1m30s}, {@code 1.5h}; besides, a bare number of seconds. */
    private static final Pattern DURATION = Pattern.compile("(?:[0-9]+(?:\\.[0-9]+)?(?:ms|s|m|h))+|[0-9]+");

    private static final Pattern DURATION_PART = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)(ms|s|m|h)?");

    private EngineOptions() {}

    /**
     * @throws SettingsException naming the setting, what is wrong with it and what to do
     * @throws UncheckedIOException when no address is known now for a host that this engine is to listen on; later there may be one
     */
    static EngineConfig resolve(Settings settings) throws SettingsException {
        var id = settings.require(Setting.ENGINE_ID);
        var engines = peers(settings.require(Setting.PEERS));
        var self = self(id, engines);
        var raftAddress = settings.get(Setting.RAFT).orElse(self.raftAddress());
        if (!raftAddress.equals(self.raftAddress())) {
            throw new SettingsException(
                    "--raft " + raftAddress + " is not what --peers says of engine " + id + ": " + self.raftAddress());
        }
        boolean bootstrap = settings.isOn(Setting.BOOTSTRAP);
        boolean join = settings.isOn(Setting.JOIN);
        if (bootstrap && join) {
            throw new SettingsException("--bootstrap forms a new cluster, --join waits to be added to one: choose one");
        }
        var mirror = EtcdOptions.read(settings);
        boolean restore = settings.isOn(Setting.RESTORE_FROM_ETCD);
        if (restore && (mirror.isEmpty() || !bootstrap)) {
            throw new SettingsException(
                    "--restore-from-etcd is for the first start of a cluster, with --bootstrap, and needs etcd_servers or --etcd");
        }
        var backup = settings.get(Setting.RESTORE_FROM_BACKUP);
        if (backup.isPresent() && (restore || !bootstrap)) {
            throw new SettingsException(
                    "--restore-from-backup is for the first start of a cluster, with --bootstrap, and not together with --restore-from-etcd");
        }
        var electionTimeout = settings.require(Setting.ELECTION_TIMEOUT);
        var election = electionTimeout.split("-", -1);
        if (election.length != 2) {
            throw new SettingsException("--election-timeout " + electionTimeout + ": it is like 500ms-1000ms");
        }
        address("--raft", raftAddress);
        var cluster = uuid(settings.require(Setting.CLUSTER_ID));
        boolean plainHttp = settings.isOn(Setting.PLAIN_HTTP);
        var files = TlsOptions.resolve(settings);
        if (files.isPresent()) {
            TlsOptions.check(files.get(), SpiffeId.Kind.ENGINE, id, cluster.toString());
        }
        return new EngineConfig(
                id,
                cluster,
                Path.of(settings.require(Setting.DATA_DIR)),
                checkPlainHttp(
                        address("--http", settings.get(Setting.HTTP).orElse(self.httpAddress())),
                        plainHttp,
                        files.isPresent()),
                settings.get(Setting.HTTP_NAMES)
                        .map(names -> List.of(names.split("[, ]+")))
                        .orElse(List.of()),
                settings.runtimeFile(Setting.HTTP_SOCKET, "http.sock"),
                address("--grpc", settings.get(Setting.GRPC).orElse(self.grpcAddress())),
                engines,
                bootstrap,
                join,
                mirror,
                restore,
                backup.map(Path::of),
                duration("agent_ttl", settings.require(Setting.AGENT_TTL)),
                pageSize(settings.require(Setting.TOKEN_LIMIT)),
                duration("--election-timeout", election[0]),
                duration("--election-timeout", election[1]),
                entryFormat(settings.get(Setting.ENTRY_FORMAT).orElse(Integer.toString(RaftConfig.ENTRY_FORMAT))),
                RegistryQuota.parse(
                        settings.require(Setting.REGISTRY_QUOTA),
                        Runtime.getRuntime().maxMemory()),
                settings.isOn(Setting.RAFT_ANY_SOURCE),
                files,
                authorityKey(settings, files.isPresent()),
                certificateDays(settings.require(Setting.CERTIFICATE_DAYS)),
                plainHttp,
                TraceOptions.resolve(settings),
                LogFormat.read(settings),
                Verbosity.read(settings));
    }

    /** This engine among those that the settings name. */
    static EnginePeer self(Settings settings) throws SettingsException {
        return self(settings.require(Setting.ENGINE_ID), peers(settings.require(Setting.PEERS)));
    }

    private static EnginePeer self(String id, List<EnginePeer> engines) throws SettingsException {
        return engines.stream()
                .filter(peer -> peer.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new SettingsException("engine " + id + " is not among --peers "
                        + engines.stream().map(EnginePeer::id).toList() + ": add it, or correct its id"));
    }

    private static Optional<Path> authorityKey(Settings settings, boolean tls) throws SettingsException {
        var key = settings.file(Setting.CA_KEY_FILE);
        if (key.isPresent() && !tls) {
            throw new SettingsException(
                    "--ca-key-file goes with certificates: give --ca-file, --cert-file and --key-file");
        }
        return key;
    }

    private static int certificateDays(String text) throws SettingsException {
        try {
            int days = Integer.parseInt(text.strip());
            if (days >= 1 && days <= 3650) {
                return days;
            }
        } catch (NumberFormatException e) {
            throw new SettingsException("certificate_days \"" + text + "\" is no number", e);
        }
        throw new SettingsException("certificate_days " + text + ": it is 1 to 3650");
    }

    private static InetSocketAddress checkPlainHttp(InetSocketAddress address, boolean plainHttp, boolean tls)
            throws SettingsException {
        if (plainHttp && !tls) {
            throw new SettingsException("--plain-http goes with certificates; without them all is plaintext");
        }
        if (plainHttp && !(address.getAddress() != null && address.getAddress().isLoopbackAddress())) {
            throw new SettingsException("--plain-http and --http " + address.getHostString() + ":" + address.getPort()
                    + ", which is not on loopback: whoever reaches it would be root on every machine. Let HTTP listen on"
                    + " 127.0.0.1, or leave --plain-http out");
        }
        return address;
    }

    private static List<EnginePeer> peers(String text) throws SettingsException {
        var engines = new ArrayList<EnginePeer>();
        for (var part : text.split(",", -1)) {
            int equals = part.indexOf('=');
            var addresses = part.substring(equals + 1).split("/", -1);
            if (equals <= 0 || addresses.length != 3) {
                throw new SettingsException("--peers: \"" + part
                        + "\" is not ID=RAFT/GRPC/HTTP, as in e1=127.0.0.1:14301/127.0.0.1:14201/127.0.0.1:14101");
            }
            for (var address : addresses) {
                if (hostAndPort("--peers", address).getHost().isBlank()) {
                    throw new SettingsException("--peers: \"" + address + "\" is no host:port");
                }
            }
            engines.add(new EnginePeer(part.substring(0, equals).strip(), addresses[0], addresses[1], addresses[2]));
        }
        return engines;
    }

    /** An address that this engine listens on. */
    private static InetSocketAddress address(String what, String text) throws SettingsException {
        var parsed = hostAndPort(what, text);
        try {
            return new InetSocketAddress(InetAddress.getByName(parsed.getHost()), parsed.getPort());
        } catch (UnknownHostException e) {
            throw new UncheckedIOException(what + ": no address is known for the host of \"" + text + "\"", e);
        }
    }

    /** Others' hosts are looked up when they are needed: one that nobody knows any more, or yet, keeps no engine from its work. */
    private static HostAndPort hostAndPort(String what, String text) throws SettingsException {
        try {
            var parsed = HostAndPort.fromString(text);
            if (parsed.hasPort()) {
                return parsed;
            }
        } catch (IllegalArgumentException e) {
            throw new SettingsException(what + ": \"" + text + "\" is no host:port", e);
        }
        throw new SettingsException(what + ": \"" + text + "\" is no host:port");
    }

    static UUID uuid(String text) throws SettingsException {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw new SettingsException("--cluster-id \"" + text + "\" is no UUID: make one with uuidgen", e);
        }
    }

    private static Duration duration(String what, String text) throws SettingsException {
        var stripped = text.strip();
        if (DURATION.matcher(stripped).matches() && stripped.length() <= 40) {
            var millis = BigDecimal.ZERO;
            for (var part = DURATION_PART.matcher(stripped); part.find(); ) {
                long unit = switch (part.group(2) == null ? "s" : part.group(2)) {
                    case "ms" -> 1;
                    case "m" -> 60_000;
                    case "h" -> 3_600_000;
                    default -> 1_000;
                };
                millis = millis.add(new BigDecimal(part.group(1)).multiply(BigDecimal.valueOf(unit)));
            }
            if (millis.compareTo(BigDecimal.ONE) >= 0
                    && millis.compareTo(BigDecimal.valueOf(Duration.ofDays(1).toMillis())) <= 0) {
                return Duration.ofMillis(millis.longValue());
            }
        }
        throw new SettingsException(
                what + " \"" + text + "\" is no time between 1ms and a day, such as 500ms, 30s, 1m30s");
    }

    private static int pageSize(String text) throws SettingsException {
        try {
            int size = Integer.parseInt(text.strip());
            if (size >= 1 && size <= 10_000) {
                return size;
            }
        } catch (NumberFormatException e) {
            throw new SettingsException("token_limit \"" + text + "\" is no number", e);
        }
        throw new SettingsException("token_limit " + text + ": it is 1 to 10000");
    }

    private static int entryFormat(String text) throws SettingsException {
        try {
            int format = Integer.parseInt(text.strip());
            if (format >= 1 && format <= RaftConfig.ENTRY_FORMAT) {
                return format;
            }
        } catch (NumberFormatException e) {
            throw new SettingsException("entry_format \"" + text + "\" is no number", e);
        }
        throw new SettingsException("entry_format " + text + ": this version knows 1 to " + RaftConfig.ENTRY_FORMAT);
    }
}
