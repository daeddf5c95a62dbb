package io.raftfleet.settings;

import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * A daemon's command line: a flag for each of its settings, and {@code --config}, {@code --print-config}, {@code --help} and
 * {@code --version}. Each flag wins over the same setting's variable and line in the file.
 */
public final class Flags {
    private static final String CONFIG = "--config";
    private static final String PRINT = "--print-config";

    private Flags() {}

    /** What reads the daemon's arguments. */
    public static CommandLine commandLine(Daemon daemon, IVersionProvider version, String description) {
        var spec = CommandSpec.create()
                .name(daemon.program())
                .mixinStandardHelpOptions(true)
                .versionProvider(version);
        spec.usageMessage().description(description).sortOptions(false);
        spec.addOption(OptionSpec.builder(CONFIG)
                .type(Path.class)
                .paramLabel("FILE")
                .description("Configuration file (" + Settings.usualFiles(daemon) + ").")
                .build());
        spec.addOption(OptionSpec.builder(PRINT)
                .type(boolean.class)
                .arity("0")
                .description("Print each setting, its value and where that comes from, and end.")
                .build());
        for (var setting : Setting.values()) {
            if (setting.isFor(daemon)) {
                spec.addOption(option(daemon, setting));
            }
        }
        return new CommandLine(spec);
    }

    private static OptionSpec option(Daemon daemon, Setting setting) {
        var usual = setting.standardInWords(daemon).replaceAll("^\\(|\\)$", "");
        var description = setting.description();
        if (!usual.isEmpty() && !setting.isSwitch()) {
            description += " Default: " + usual + ".";
        }
        var option = OptionSpec.builder(setting.flags().toArray(String[]::new))
                .type(String.class)
                .description(description.replace("%", "%%"));
        if (setting.isSwitch()) {
            option.arity("0..1").fallbackValue("true").paramLabel("true|false").hideParamSyntax(false);
        } else {
            option.arity("1").paramLabel(setting.label());
        }
        return option.build();
    }

    /**
     * Puts the arguments, the environment and the file together.
     *
     * @throws SettingsException naming the source, the name and what to do
     */
    public static Settings read(Daemon daemon, ParseResult arguments, Map<String, String> environment)
            throws SettingsException {
        Map<Setting, String> flags = new EnumMap<>(Setting.class);
        for (var setting : Setting.values()) {
            if (arguments.hasMatchedOption(setting.flag())) {
                flags.put(setting, arguments.matchedOptionValue(setting.flag(), ""));
            }
        }
        @Nullable Path config = arguments.matchedOptionValue(CONFIG, (Path) null);
        return Settings.read(daemon, config, environment, flags);
    }

    /** Whether the settings are to be printed, and the daemon is not to run. */
    public static boolean printsOnly(ParseResult arguments) {
        return arguments.hasMatchedOption(PRINT);
    }

    /** Prints the settings to standard output. */
    public static void print(Settings settings) {
        settings.print(new PrintWriter(System.out, true, Charset.defaultCharset()));
    }
}
