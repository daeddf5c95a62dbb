package io.raftfleet.fleetctl;

import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Takes a flag that is not given from its variable, as fleet does: {@code --no-legend} from FLEETCTL_NO_LEGEND; empty counts as unset. */
record EnvironmentDefaults(Map<String, String> environment) implements IDefaultValueProvider {
    private static final String PREFIX = "FLEETCTL_";

    @Override
    public @Nullable String defaultValue(ArgSpec arg) {
        if (!(arg instanceof OptionSpec option) || !option.longestName().startsWith("--")) {
            return null;
        }
        String value = environment.get(variable(option));
        return value == null || value.isEmpty() ? null : value;
    }

    /** Not the environment, which may hold secrets; picocli puts this into what it would trace. */
    @Override
    public String toString() {
        return PREFIX + "*";
    }

    /** The variable of a flag. */
    static String variable(OptionSpec option) {
        return PREFIX + option.longestName().substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
    }
}
