package io.raftfleet.settings;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a daemon's command line, its environment and its configuration files say, by name. The command line wins over the environment, that
 * over the daemon's own file, that over the one that both daemons share, that over what is usual. Immutable.
 */
public final class Settings {
    private static final Path DIRECTORY = Path.of("/etc/fleet");

    /** What both daemons read, each beneath its own; fleet's own name. */
    public static final String SHARED = "fleet.conf";

    static final String PREFIX = "FLEET_";

    /** Begins the name of a file that systemd hands to the service (LoadCredential=), as in its unit files. */
    static final String CREDENTIAL = "%d/";

    private static final String CREDENTIALS = "CREDENTIALS_DIRECTORY";
    private static final String RUNTIME = "RUNTIME_DIRECTORY";

    /** In place of what a value looks like: the setting is on or off. */
    static final String SWITCH = "";

    private final Daemon daemon;
    private final Map<Setting, Value> values;
    private final List<String> warnings;
    /** Where systemd has put the service's credentials; empty when it has none. */
    private final String credentials;
    /** Where systemd lets the service put what lasts as long as it runs; empty when there is no such place. */
    private final String runtime;

    private Settings(
            Daemon daemon, Map<Setting, Value> values, List<String> warnings, String credentials, String runtime) {
        this.daemon = daemon;
        this.values = values;
        this.warnings = warnings;
        this.credentials = credentials;
        this.runtime = runtime;
    }

    /**
     * A value and who says it.
     *
     * @param text empty where a source says expressly that there is none
     * @param origin for people
     */
    record Value(String text, String origin) {}

    /**
     * Reads all sources.
     *
     * @param file in INI form without sections, read alone; null, or the daemon's own of the usual ones, for all of those. They may be
     *     missing
     * @param flags what the command line says
     * @throws SettingsException naming the source, the name and what to do
     */
    public static Settings read(
            Daemon daemon, @Nullable Path file, Map<String, String> environment, Map<Setting, String> flags)
            throws SettingsException {
        if (file != null && !Files.exists(file)) {
            throw new SettingsException("the configuration file " + file + " does not exist");
        }
        var usual = file == null || file.equals(usualFile(daemon));
        return readAll(daemon, usual ? usualFiles(DIRECTORY, daemon) : List.of(file), environment, flags);
    }

    static Settings readAll(
            Daemon daemon, List<Path> files, Map<String, String> environment, Map<Setting, String> flags)
            throws SettingsException {
        Map<Setting, Value> values = new EnumMap<>(Setting.class);
        var warnings = new ArrayList<String>();
        for (var used : files) {
            put(values, warnings, used);
        }
        for (var variable : new TreeMap<>(environment).entrySet()) {
            if (variable.getKey().startsWith(PREFIX)) {
                var key = variable.getKey().substring(PREFIX.length()).toLowerCase(Locale.ROOT);
                var where = "environment variable " + variable.getKey();
                put(values, warnings, key, variable.getValue(), where, variable.getKey());
            }
        }
        flags.forEach((setting, text) -> values.put(setting, new Value(text, setting.flag())));
        return new Settings(
                daemon,
                values,
                List.copyOf(warnings),
                environment.getOrDefault(CREDENTIALS, ""),
                environment.getOrDefault(RUNTIME, "").split(":", 2)[0]);
    }

    /** The daemon's own file, unless its command line says otherwise. */
    public static Path usualFile(Daemon daemon) {
        return DIRECTORY.resolve(daemon.file());
    }

    /** Those that are there; what a later one says counts. */
    static List<Path> usualFiles(Path directory, Daemon daemon) {
        return Stream.of(SHARED, daemon.file())
                .map(directory::resolve)
                .filter(Files::exists)
                .toList();
    }

    /** The usual places, for people. */
    static String usualFiles(Daemon daemon) {
        return usualFile(daemon) + ", which wins over " + DIRECTORY.resolve(SHARED);
    }

    private static void put(Map<Setting, Value> values, List<String> warnings, Path file) throws SettingsException {
        for (var line : ConfigFile.read(file)) {
            var where = file + ":" + line.line();
            put(values, warnings, line.key(), line.value(), "\"" + line.key() + "\" in " + where, where);
            warnOfOpenSecret(warnings, file, line, where);
        }
    }

    private static void put(
            Map<Setting, Value> values, List<String> warnings, String key, String text, String what, String origin)
            throws SettingsException {
        if (Setting.isRetired(key)) {
            warnings.add(what + " means nothing any more and is ignored: fleet had it; remove it");
            return;
        }
        var setting = Setting.named(key);
        if (setting.isEmpty()) {
            throw new SettingsException(what + " is no setting: did you mean " + Setting.nearest(key) + "?");
        }
        values.put(setting.get(), new Value(text, origin));
    }

    private static void warnOfOpenSecret(List<String> warnings, Path file, ConfigFile.Line line, String where) {
        boolean secret = Setting.named(line.key())
                .filter(setting -> !setting.shown(line.value()).equals(line.value()))
                .isPresent();
        if (secret && isOpen(file)) {
            warnings.add("\"" + line.key() + "\" in " + where
                    + " is a secret that every user of this machine can read: chmod 640 the file, or keep it in a file of its own"
                    + " (etcd_password_file)");
        }
    }

    private static boolean isOpen(Path file) {
        try {
            return Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ);
        } catch (IOException | UnsupportedOperationException e) {
            return false; // It was read a moment ago, or has no such modes.
        }
    }

    /** What is to be known though it stops nobody, one line each, with its place. */
    public List<String> warnings() {
        return warnings;
    }

    /** What some source says; empty when none does, or when the one that counts says nothing. */
    public Optional<String> given(Setting setting) {
        return Optional.ofNullable(values.get(setting)).map(Value::text).filter(text -> !text.isEmpty());
    }

    /** What some source says, or what is usual; empty when there is neither. */
    public Optional<String> get(Setting setting) {
        return given(setting).or(() -> setting.standard(daemon));
    }

    /**
     * What some source says, or what is usual.
     *
     * @throws SettingsException when there is neither, saying where to give it
     */
    public String require(Setting setting) throws SettingsException {
        return get(setting)
                .orElseThrow(() -> new SettingsException("no " + setting.key() + " is given: use " + setting.flag()
                        + ", " + setting.variable() + ", or the configuration file"));
    }

    /**
     * The file that a setting names, if it names one. {@value #CREDENTIAL} at its beginning is the directory in which systemd puts what
     * {@code LoadCredential=} of the daemon's unit names.
     *
     * @throws SettingsException when it is there, and systemd has put nothing anywhere
     */
    public Optional<Path> file(Setting setting) throws SettingsException {
        var name = get(setting);
        if (name.isEmpty() || !name.get().startsWith(CREDENTIAL)) {
            return name.map(Path::of);
        }
        if (credentials.isEmpty()) {
            throw new SettingsException(
                    setting.key() + " " + name.get() + ": %d is where systemd puts a service's credentials, and "
                            + CREDENTIALS + " is not set: add LoadCredential="
                            + name.get().substring(CREDENTIAL.length())
                            + ":FILE to the unit, or name the file itself");
        }
        return Optional.of(Path.of(credentials, name.get().substring(CREDENTIAL.length())));
    }

    /**
     * The file that a setting names, or, when nothing is said, one in the service's runtime directory ({@code RuntimeDirectory=} of its
     * unit), if it has one.
     */
    public Optional<Path> runtimeFile(Setting setting, String usual) throws SettingsException {
        return file(setting).or(() -> runtime.isEmpty() ? Optional.empty() : Optional.of(Path.of(runtime, usual)));
    }

    /** Whether it is on; in all the words that fleet took. */
    public boolean isOn(Setting setting) throws SettingsException {
        var value = require(setting);
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "true", "t", "1", "yes", "on" -> true;
            case "false", "f", "0", "no", "off" -> false;
            default -> throw new SettingsException(setting.key() + " \"" + value + "\": it is true or false");
        };
    }

    /** Who says what it is, for people. */
    String origin(Setting setting) {
        var value = values.get(setting);
        return value == null ? "default" : value.origin();
    }

    /** The daemon's settings whose values differ from these. */
    Set<Setting> changes(Settings next) {
        return Arrays.stream(Setting.values())
                .filter(setting -> setting.isFor(daemon))
                .filter(setting -> !get(setting).equals(next.get(setting)))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(Setting.class)));
    }

    /** These, with what the others say of some settings. */
    Settings with(Set<Setting> some, Settings others) {
        Map<Setting, Value> mixed = new EnumMap<>(Setting.class);
        mixed.putAll(values);
        for (var setting : some) {
            var value = others.values.get(setting);
            if (value == null) {
                mixed.remove(setting);
            } else {
                mixed.put(setting, value);
            }
        }
        return new Settings(daemon, mixed, warnings, credentials, runtime);
    }

    /** Each setting of the daemon, its value as people may see it, and where that comes from. */
    public void print(PrintWriter out) {
        var settings = Arrays.stream(Setting.values())
                .filter(setting -> setting.isFor(daemon))
                .toList();
        int names = width(settings.stream().map(Setting::key).toList(), "NAME");
        int texts = width(settings.stream().map(this::shown).toList(), "VALUE");
        var row = "%-" + names + "s  %-" + texts + "s  %s%n";
        out.printf(Locale.ROOT, row, "NAME", "VALUE", "FROM");
        for (var setting : settings) {
            out.printf(Locale.ROOT, row, setting.key(), shown(setting), origin(setting));
        }
        out.flush();
    }

    private static int width(List<String> texts, String head) {
        return Math.max(
                head.length(), texts.stream().mapToInt(String::length).max().orElse(0));
    }

    /** As people may see it; a dash for nothing. */
    String shown(Setting setting) {
        var text = given(setting).map(setting::shown).orElse(setting.standardInWords(daemon));
        return text.isEmpty() ? "-" : text;
    }
}
