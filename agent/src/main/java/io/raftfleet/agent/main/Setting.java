package io.raftfleet.agent.main;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Names that a configuration file, and upper-cased after {@code FLEET_} the environment, may hold. Engines and agents read
 * the same file, so each accepts the other's names.
 */
enum Setting {
    ENGINES(true),
    MACHINE_ID(true),
    PUBLIC_IP(true),
    METADATA(true),
    DATA_DIR(true),
    UNITS_DIRECTORY(true),
    UNIT_MANAGER(true),
    SYSTEMD_USER(true),
    SYSTEMD_BUS(true),
    JOURNAL_COMMAND(true),
    VERBOSITY(true),
    AGENT_TTL(false),
    ETCD_SERVERS(false),
    ETCD_CAFILE(false),
    ETCD_CERTFILE(false),
    ETCD_KEYFILE(false),
    ETCD_KEY_PREFIX(false),
    TOKEN_LIMIT(false);

    /** fleet's names that mean nothing any more. */
    private static final List<String> RETIRED = List.of(
            "etcd_request_timeout",
            "etcd_username",
            "etcd_password",
            "engine_reconcile_interval",
            "disable_engine",
            "disable_watches",
            "enable_grpc",
            "authorized_keys_file");

    private final boolean agents;

    Setting(boolean agents) {
        this.agents = agents;
    }

    /** Whether agents use it; otherwise it is for engines. */
    boolean forAgents() {
        return agents;
    }

    String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    String variable() {
        return "FLEET_" + name();
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
        Setting nearest = values()[0];
        int best = Integer.MAX_VALUE;
        for (Setting setting : values()) {
            int distance = distance(key, setting.key());
            if (distance < best) {
                best = distance;
                nearest = setting;
            }
        }
        return "did you mean " + nearest.key() + "?";
    }

    /** Levenshtein's: how many characters must be inserted, deleted or changed. */
    private static int distance(String left, String right) {
        int[] row = new int[right.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= left.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int changed = diagonal + (left.charAt(i - 1) == right.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[right.length()];
    }
}
