package io.raftfleet.settings;

import static io.raftfleet.settings.Daemon.AGENT;
import static io.raftfleet.settings.Daemon.ENGINE;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.jspecify.annotations.Nullable;

/**
 * What can be set: each as a line of the configuration file, as an environment variable and as a flag, under the same name. Fleet's own
 * names where they still mean something. The one table that command lines, files, variables and {@code --print-config} go by.
 */
public enum Setting {
    ENGINE_ID(ENGINE, "ID", null, "Name of this engine, for good."),
    CLUSTER_ID(ENGINE, "UUID", null, "Names the cluster; the same on all engines."),
    PEERS(
            ENGINE,
            "ID=RAFT/GRPC/HTTP,...",
            null,
            "This engine and the others, each with its three host:port addresses."),
    RAFT(ENGINE, "HOST:PORT", "(as peers has it)", "The other engines."),
    GRPC(ENGINE, "HOST:PORT", "(as peers has it)", "Clients and agents."),
    HTTP(ENGINE, "HOST:PORT", "(as peers has it)", "HTTP v1 API, /healthz, /metrics."),
    HTTP_NAMES(
            ENGINE,
            "NAME,...",
            null,
            "Names by which clients may ask for HTTP in plaintext, beside addresses, localhost, this host's name and those in"
                    + " --peers."),
    HTTP_SOCKET(
            ENGINE,
            "PATH",
            "(http.sock in RUNTIME_DIRECTORY)",
            "Unix socket for the same, for root and the group raftfleet."),
    BOOTSTRAP(
            ENGINE,
            Settings.SWITCH,
            "false",
            "Let an empty data directory become a member of a new cluster. For the first start alone."),
    JOIN(
            ENGINE,
            Settings.SWITCH,
            "false",
            "With an empty data directory, wait to be added to the cluster that --peers belong to; see fleetctl cluster add."
                    + " For the first start, under an id that the cluster never had."),
    RESTORE_FROM_ETCD(
            ENGINE,
            Settings.SWITCH,
            "false",
            "Let an empty cluster begin with the units and the schedule that etcd holds of it. For the first start of all its"
                    + " engines, with --bootstrap."),
    RESTORE_FROM_BACKUP(
            ENGINE,
            "FILE",
            null,
            "Let an empty cluster begin with the units and the schedule of this backup of it. For the first start of all its"
                    + " engines, each with a copy of the file, with --bootstrap."),
    AGENT_TTL(ENGINE, "TIME", "30s", "Unheard for so long, a machine is lost."),
    TOKEN_LIMIT(ENGINE, "N", "100", "Rows a page of the HTTP v1 API."),
    ELECTION_TIMEOUT(
            ENGINE, "MIN-MAX", "500ms-1000ms", "A leader not heard for a random time between these is replaced."),
    ENTRY_FORMAT(
            ENGINE,
            "N",
            "(the newest)",
            "Holds the cluster at an older format of its log, so that an upgrade can be taken back."),
    REGISTRY_QUOTA(
            ENGINE,
            "SIZE",
            "50%",
            "How much of the heap the registry may take, such as 40% or 2G. Growth beyond what the smallest engine allows is"
                    + " refused."),
    PLAIN_HTTP(
            ENGINE,
            Settings.SWITCH,
            "false",
            "Let HTTP stay plaintext beside TLS, for old clients: whoever reaches it may everything. Addresses beyond loopback are"
                    + " refused."),
    CA_KEY_FILE(
            ENGINE,
            "FILE",
            null,
            "PEM key of the authority in --ca-file: while this engine leads, it issues certificates, to who has a token and to who"
                    + " renews. For its user alone."),
    CERTIFICATE_DAYS(ENGINE, "DAYS", "90", "How long certificates hold that it issues, 1 to 3650 days."),
    RAFT_ANY_SOURCE(
            ENGINE,
            Settings.SWITCH,
            "false",
            "Take the other engines' messages from whatever address they come, not only from those that --peers, or the log, say"
                    + " of them. For hosts that send from other addresses than they listen on."),
    TRACES_RATIO(
            ENGINE, "RATIO", "1", "Which part of the writes is traced that come without a trace of their own, 0 to 1."),
    ETCD_SERVERS(ENGINE, "URL,...", null, "etcd that mirrors units and schedule."),
    ETCD_KEY_PREFIX(ENGINE, "PATH", "/raftfleet/", "What the mirror's keys begin with."),
    ETCD_MIRROR(
            ENGINE, "async|sync", "async", "Whether a change is answered before (async) or after (sync) etcd has it."),
    ETCD_CAFILE(ENGINE, "FILE", null, "Who signs the certificates of etcd's members."),
    ETCD_CERTFILE(ENGINE, "FILE", null, "Certificate shown to etcd."),
    ETCD_KEYFILE(ENGINE, "FILE", null, "Key of that certificate."),
    ETCD_USERNAME(ENGINE, "NAME", null, "User of etcd."),
    ETCD_PASSWORD(
            ENGINE, "WORD", null, "That user's password; others on the host see flags, a file can be kept from them."),
    ETCD_PASSWORD_FILE(ENGINE, "FILE", null, "File with that user's password."),

    ENGINES(AGENT, "HOST:PORT,...", null, "gRPC addresses of the engines."),
    MACHINE_ID(
            AGENT,
            "ID",
            "(from /etc/machine-id)",
            "This machine's id; with --hollow, what the machines' ids come from."),
    PUBLIC_IP(AGENT, "IP", "", "Address that the cluster shows for this machine."),
    METADATA(AGENT, "K=V,...", "", "What units may ask for in MachineMetadata."),
    UNITS_DIRECTORY(AGENT, "DIR", "(/run/fleet/units)", "Where unit files go."),
    UNIT_MANAGER(AGENT, "systemd|hollow", "(systemd)", "What runs units."),
    SYSTEMD_USER(AGENT, Settings.SWITCH, "false", "Use the user's systemd instead of the system's."),
    SYSTEMD_BUS(AGENT, "ADDRESS", "", "D-Bus address to find systemd at."),
    BOOT_ID_FILE(AGENT, "FILE", "(/proc/sys/kernel/random/boot_id)", "Where the boot id is."),
    JOURNAL_COMMAND(AGENT, "PREFIX", "", "Words to put before journalctl and systemctl when logs are read."),
    HOLLOW(AGENT, "N", null, "Be N machines in memory (implies a hollow manager)."),
    HOLLOW_JOURNAL(AGENT, "FILE", null, "Where to note each start and stop of a unit on hollow machines."),
    METRICS(
            AGENT,
            "HOST:PORT",
            null,
            "Listen there for /metrics, /livez and /readyz, in plaintext; a loopback address. Without it the agent listens nowhere."),
    ADOPT_CLUSTER(AGENT, Settings.SWITCH, "false", "Forget the cluster that this machine belonged to; join this one."),

    CA_FILE(null, "FILE", null, "PEM certificates of the authority that the others' certificates come from."),
    CERT_FILE(
            null,
            "FILE",
            null,
            "PEM certificate that says who this daemon is; of an agent, %m in its name is the machine's id."),
    KEY_FILE(null, "FILE", null, "PEM key of --cert-file; for its user alone; %m as there."),
    ALLOW_PLAINTEXT(
            null,
            Settings.SWITCH,
            "false",
            "Do without certificates, and so without TLS: whoever reaches an engine is root on every machine."),
    DATA_DIR(null, "DIR", "/var/lib/%s", "What outlasts the process."),
    TRACES_ENDPOINT(
            null,
            "URL",
            null,
            "Send traces of writes there, to a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. Without it nothing is"
                    + " traced."),
    LOG_FORMAT(null, "text|json", "text", "Whether the log is lines for people, or one JSON object a line."),
    VERBOSITY(null, "LEVEL", "info", "0 to 2, or error, warn, info, debug or trace.");

    /** Fleet's names that mean nothing any more. */
    private static final Set<String> RETIRED = Set.of(
            "etcd_request_timeout",
            "engine_reconcile_interval",
            "disable_engine",
            "disable_watches",
            "enable_grpc",
            "verify_units",
            "authorized_keys_file");

    /** What can change while the daemon runs. */
    private static final Set<Setting> LIVE = EnumSet.of(PUBLIC_IP, METADATA, VERBOSITY);

    private static final Set<Setting> SECRET = EnumSet.of(ETCD_PASSWORD);

    private static final Pattern CREDENTIALS = Pattern.compile("(?<=://)[^/@,\\s]*(?=@)");
    private static final String MASK = "********";

    /** Which it is for; null for both. */
    private final @Nullable Daemon daemon;

    private final String label;
    private final @Nullable String standard;
    private final String description;

    Setting(@Nullable Daemon daemon, String label, @Nullable String standard, String description) {
        this.daemon = daemon;
        this.label = label;
        this.standard = standard;
        this.description = description;
    }

    /** As a configuration file has it. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** As the environment has it. */
    public String variable() {
        return Settings.PREFIX + name();
    }

    /** As a command line has it, in full. */
    public String flag() {
        return "--" + key().replace('_', '-');
    }

    /** As command lines may have it; the shortest is what help begins with. */
    List<String> flags() {
        var flags = new ArrayList<String>();
        switch (this) {
            case UNITS_DIRECTORY -> flags.add("--units-dir");
            case SYSTEMD_USER -> flags.add("--user");
            case ETCD_SERVERS -> flags.add("--etcd");
            default -> {}
        }
        flags.add(flag());
        return flags;
    }

    /** Whether this daemon has a use for it. */
    public boolean isFor(Daemon other) {
        return daemon == null || daemon == other;
    }

    /** Whether it is on or off, and its flag needs no value. */
    boolean isSwitch() {
        return label.equals(Settings.SWITCH);
    }

    /** Whether a running daemon takes a new value, when it is told to read its settings again. */
    boolean isLive() {
        return LIVE.contains(this);
    }

    String label() {
        return label;
    }

    String description() {
        return description;
    }

    /** What holds when nothing is given, if that is one value. */
    Optional<String> standard(Daemon of) {
        return Optional.ofNullable(standard)
                .filter(text -> !text.startsWith("("))
                .map(text -> text.replace("%s", of.program()));
    }

    /** The same for people: where it is no one value, what it comes from. */
    String standardInWords(Daemon of) {
        return standard(of).orElse(standard == null ? "" : standard);
    }

    /** The value as it may be shown to people. */
    public String shown(String value) {
        return SECRET.contains(this) && !value.isEmpty()
                ? MASK
                : CREDENTIALS.matcher(value).replaceAll(MASK);
    }

    static Optional<Setting> named(String key) {
        return Arrays.stream(values())
                .filter(setting -> setting.key().equals(key))
                .findFirst();
    }

    static boolean isRetired(String key) {
        return RETIRED.contains(key);
    }

    /** The name that may have been meant. */
    static String nearest(String key) {
        var distance = LevenshteinDistance.getDefaultInstance();
        return Arrays.stream(values())
                .map(Setting::key)
                .min((a, b) -> Integer.compare(distance.apply(key, a), distance.apply(key, b)))
                .orElseThrow();
    }
}
