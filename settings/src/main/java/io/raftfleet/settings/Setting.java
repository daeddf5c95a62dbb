package io.raftfleet.settings;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.commons.text.similarity.LevenshteinDistance;

/**
 * Names that a configuration file, and upper-cased after {@code FLEET_} the environment, may hold. Engines and agents read
 * the same file, so each accepts the other's names. Fleet's own names where they still mean something.
 */
public enum Setting {
    // Both
    DATA_DIR,
    PUBLIC_IP,
    VERBOSITY,
    CA_FILE,
    CERT_FILE,
    KEY_FILE,
    // Agents
    ENGINES,
    MACHINE_ID,
    METADATA,
    UNITS_DIRECTORY,
    UNIT_MANAGER,
    SYSTEMD_USER,
    SYSTEMD_BUS,
    JOURNAL_COMMAND,
    // Engines
    ENGINE_ID,
    CLUSTER_ID,
    PEERS,
    HTTP,
    HTTP_SOCKET,
    HTTP_NAMES,
    GRPC,
    RAFT,
    AGENT_TTL,
    TOKEN_LIMIT,
    ENTRY_FORMAT,
    REGISTRY_QUOTA,
    ETCD_SERVERS,
    ETCD_CAFILE,
    ETCD_CERTFILE,
    ETCD_KEYFILE,
    ETCD_KEY_PREFIX,
    ETCD_USERNAME,
    ETCD_PASSWORD,
    ETCD_PASSWORD_FILE,
    ETCD_MIRROR;

    /** Fleet's names that mean nothing any more. */
    private static final List<String> RETIRED = List.of(
            "etcd_request_timeout",
            "engine_reconcile_interval",
            "disable_engine",
            "disable_watches",
            "enable_grpc",
            "authorized_keys_file");

    /** As a configuration file has it. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** As the environment has it. */
    public String variable() {
        return Settings.PREFIX + name();
    }

    static Optional<Setting> named(String key) {
        return Arrays.stream(values())
                .filter(setting -> setting.key().equals(key))
                .findFirst();
    }

    /** Why a name that is none is refused: what it was in fleet, or what may have been meant. */
    static String hint(String key) {
        if (RETIRED.contains(key)) {
            return "fleet had it, but it has no meaning here; remove it";
        }
        var distance = LevenshteinDistance.getDefaultInstance();
        var nearest = Arrays.stream(values())
                .map(Setting::key)
                .min((a, b) -> Integer.compare(distance.apply(key, a), distance.apply(key, b)))
                .orElseThrow();
        return "did you mean " + nearest + "?";
    }
}
