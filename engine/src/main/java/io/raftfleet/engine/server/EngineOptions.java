package io.raftfleet.engine.server;

import com.google.common.net.HostAndPort;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.TlsOptions;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftConfig;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.Level;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The command line, over the environment, over the configuration file. Written by picocli, read once. */
@Command(
        name = "fleet-engine",
        mixinStandardHelpOptions = true,
        versionProvider = EngineVersion.class,
        sortOptions = false,
        description = "One of the engines that keep a fleet cluster's registry and decide what runs where.")
final class EngineOptions {
    private static final Pattern DURATION = Pattern.compile("([0-9]+)(ms|s|m)?");

    @Option(names = "--config", paramLabel = "FILE", description = "Configuration file (/etc/fleet/fleet.conf).")
    @Nullable
    Path config;

    @Option(names = "--engine-id", paramLabel = "ID", description = "Name of this engine, for good.")
    @Nullable
    String engineId;

    @Option(names = "--cluster-id", paramLabel = "UUID", description = "Names the cluster; the same on all engines.")
    @Nullable
    String clusterId;

    @Option(names = "--data-dir", paramLabel = "DIR", description = "Log and checkpoints (/var/lib/fleet-engine).")
    @Nullable
    String dataDir;

    @Option(names = "--http", paramLabel = "HOST:PORT", description = "HTTP v1 API, /healthz, /metrics.")
    @Nullable
    String http;

    @Option(
            names = "--http-names",
            paramLabel = "NAME,...",
            description =
                    "Names by which clients may ask for HTTP in plaintext, beside addresses, localhost, this host's name and"
                            + " those in --peers.")
    @Nullable
    String httpNames;

    @Option(names = "--http-socket", paramLabel = "PATH", description = "Unix socket for the same.")
    @Nullable
    String httpSocket;

    @Option(names = "--grpc", paramLabel = "HOST:PORT", description = "Clients and agents.")
    @Nullable
    String grpc;

    @Option(names = "--raft", paramLabel = "HOST:PORT", description = "The other engines.")
    @Nullable
    String raft;

    @Option(
            names = "--peers",
            paramLabel = "ID=RAFT/GRPC/HTTP,...",
            description = "This engine and the others, each with its three host:port addresses.")
    @Nullable
    String peers;

    @Option(
            names = "--bootstrap",
            description = "Let an empty data directory become a member of a new cluster. For the first start alone.")
    boolean bootstrap;

    @Option(
            names = "--join",
            description =
                    "With an empty data directory, wait to be added to the cluster that --peers belong to; see fleetctl"
                            + " cluster add. For the first start, under an id that the cluster never had.")
    boolean join;

    @Option(names = "--etcd", paramLabel = "URL,...", description = "etcd that mirrors units and schedule.")
    @Nullable
    String etcd;

    @Option(
            names = "--restore-from-etcd",
            description =
                    "Let an empty cluster begin with the units and the schedule that etcd holds of it. For the first start"
                            + " of all its engines, with --bootstrap.")
    boolean restore;

    @Option(
            names = "--restore-from-backup",
            paramLabel = "FILE",
            description =
                    "Let an empty cluster begin with the units and the schedule of this backup of it. For the first start of"
                            + " all its engines, each with a copy of the file, with --bootstrap.")
    @Nullable
    String backup;

    @Option(names = "--agent-ttl", paramLabel = "TIME", description = "Unheard for so long, a machine is lost (30s).")
    @Nullable
    String agentTtl;

    @Option(names = "--token-limit", paramLabel = "N", description = "Rows a page of the HTTP v1 API (100).")
    @Nullable
    String tokenLimit;

    @Option(
            names = "--election-timeout",
            paramLabel = "MIN-MAX",
            description = "A leader not heard for a random time between these is replaced (500ms-1000ms).")
    String electionTimeout = "500ms-1000ms";

    @Option(
            names = "--entry-format",
            paramLabel = "N",
            description = "Holds the cluster at an older format of its log, so that an upgrade can be taken back ("
                    + RaftConfig.ENTRY_FORMAT + ").")
    @Nullable
    String entryFormat;

    @Option(
            names = "--registry-quota",
            paramLabel = "SIZE",
            description = "How much of the heap the registry may take, such as 40%% or 2G (" + RegistryQuota.DEFAULT
                    + "%). Growth beyond what the smallest engine allows is refused.")
    @Nullable
    String registryQuota;

    @Mixin
    final TlsOptions tls = new TlsOptions();

    @Option(
            names = "--plain-http",
            description =
                    "Let HTTP stay plaintext beside TLS, for old clients: whoever reaches it may everything. Addresses beyond"
                            + " loopback are refused.")
    boolean plainHttp;

    @Option(
            names = "--raft-any-source",
            description =
                    "Take the other engines' messages from whatever address they come, not only from those that --peers, or the"
                            + " log, say of them. For hosts that send from other addresses than they listen on.")
    boolean raftAnySource;

    @Option(names = "--verbosity", paramLabel = "LEVEL", description = "error, warn, info, debug or trace (info).")
    @Nullable
    String verbosity;

    /** Puts all sources together. */
    EngineConfig resolve(Map<String, String> environment) throws SettingsException {
        var settings = Settings.read(config == null ? Settings.DEFAULT_FILE : config, config != null, environment);
        var id = required(engineId, settings, Setting.ENGINE_ID, "--engine-id");
        var engines = peers(required(peers, settings, Setting.PEERS, "--peers"));
        var self = engines.stream()
                .filter(peer -> peer.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new SettingsException("engine " + id + " is not among --peers "
                        + engines.stream().map(EnginePeer::id).toList() + ": add it, or correct its id"));
        var raftAddress = value(raft, settings, Setting.RAFT).orElse(self.raftAddress());
        if (!raftAddress.equals(self.raftAddress())) {
            throw new SettingsException(
                    "--raft " + raftAddress + " is not what --peers says of engine " + id + ": " + self.raftAddress());
        }
        if (bootstrap && join) {
            throw new SettingsException("--bootstrap forms a new cluster, --join waits to be added to one: choose one");
        }
        var mirror = EtcdOptions.read(Optional.ofNullable(etcd), settings);
        if (restore && (mirror.isEmpty() || !bootstrap)) {
            throw new SettingsException(
                    "--restore-from-etcd is for the first start of a cluster, with --bootstrap, and needs etcd_servers or --etcd");
        }
        if (backup != null && (restore || !bootstrap)) {
            throw new SettingsException(
                    "--restore-from-backup is for the first start of a cluster, with --bootstrap, and not together with --restore-from-etcd");
        }
        var election = electionTimeout.split("-", -1);
        if (election.length != 2) {
            throw new SettingsException("--election-timeout " + electionTimeout + ": it is like 500ms-1000ms");
        }
        address("--raft", raftAddress);
        var cluster = uuid(required(clusterId, settings, Setting.CLUSTER_ID, "--cluster-id"));
        var files = tls.resolve(settings);
        if (files.isPresent()) {
            TlsOptions.check(files.get(), SpiffeId.Kind.ENGINE, id, cluster.toString());
        }
        return new EngineConfig(
                id,
                cluster,
                Path.of(value(dataDir, settings, Setting.DATA_DIR).orElse("/var/lib/fleet-engine")),
                checkPlainHttp(
                        address("--http", value(http, settings, Setting.HTTP).orElse(self.httpAddress())),
                        files.isPresent()),
                value(httpNames, settings, Setting.HTTP_NAMES)
                        .map(names -> List.of(names.split("[, ]+")))
                        .orElse(List.of()),
                value(httpSocket, settings, Setting.HTTP_SOCKET).map(Path::of),
                address("--grpc", value(grpc, settings, Setting.GRPC).orElse(self.grpcAddress())),
                engines,
                bootstrap,
                join,
                mirror,
                restore,
                Optional.ofNullable(backup).map(Path::of),
                duration(
                        "agent_ttl",
                        value(agentTtl, settings, Setting.AGENT_TTL).orElse("30s")),
                pageSize(value(tokenLimit, settings, Setting.TOKEN_LIMIT).orElse("100")),
                duration("--election-timeout", election[0]),
                duration("--election-timeout", election[1]),
                entryFormat(value(entryFormat, settings, Setting.ENTRY_FORMAT)
                        .orElse(Integer.toString(RaftConfig.ENTRY_FORMAT))),
                RegistryQuota.parse(
                        value(registryQuota, settings, Setting.REGISTRY_QUOTA).orElse(RegistryQuota.DEFAULT),
                        Runtime.getRuntime().maxMemory()),
                raftAnySource,
                files,
                plainHttp,
                level(value(verbosity, settings, Setting.VERBOSITY).orElse("info")));
    }

    private InetSocketAddress checkPlainHttp(InetSocketAddress address, boolean tls) throws SettingsException {
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

    private static Optional<String> value(@Nullable String option, Settings settings, Setting setting) {
        return option != null ? Optional.of(option) : settings.get(setting);
    }

    private static String required(@Nullable String option, Settings settings, Setting setting, String flag)
            throws SettingsException {
        return value(option, settings, setting)
                .orElseThrow(() -> new SettingsException("no " + setting.key() + " is given: use " + flag + ", "
                        + setting.variable() + ", or the configuration file"));
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
                address("--peers", address);
            }
            engines.add(new EnginePeer(part.substring(0, equals).strip(), addresses[0], addresses[1], addresses[2]));
        }
        return engines;
    }

    private static InetSocketAddress address(String what, String text) throws SettingsException {
        try {
            var parsed = HostAndPort.fromString(text);
            return new InetSocketAddress(InetAddress.getByName(parsed.getHost()), parsed.getPort());
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new SettingsException(what + ": \"" + text + "\" is no host:port", e);
        } catch (UnknownHostException e) {
            throw new SettingsException(what + ": no address is known for the host of \"" + text + "\"", e);
        }
    }

    private static UUID uuid(String text) throws SettingsException {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw new SettingsException("--cluster-id \"" + text + "\" is no UUID: make one with uuidgen", e);
        }
    }

    private static Duration duration(String what, String text) throws SettingsException {
        var match = DURATION.matcher(text.strip());
        try {
            if (match.matches()) {
                long number = Long.parseLong(match.group(1));
                var unit = match.group(2) == null ? "s" : match.group(2);
                var duration = switch (unit) {
                    case "ms" -> Duration.ofMillis(number);
                    case "m" -> Duration.ofMinutes(number);
                    default -> Duration.ofSeconds(number);
                };
                if (duration.isPositive() && duration.compareTo(Duration.ofDays(1)) <= 0) {
                    return duration;
                }
            }
        } catch (NumberFormatException e) {
            throw new SettingsException(what + " \"" + text + "\" is too large", e);
        }
        throw new SettingsException(
                what + " \"" + text + "\" is no time between 1ms and a day, such as 500ms, 30s, 2m");
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

    private static Level level(String text) throws SettingsException {
        return switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "error" -> Level.ERROR;
            case "warn" -> Level.WARN;
            case "info", "0" -> Level.INFO;
            case "debug", "1" -> Level.DEBUG;
            case "trace", "2" -> Level.TRACE;
            default ->
                throw new SettingsException("verbosity \"" + text + "\": it is error, warn, info, debug or trace");
        };
    }
}
