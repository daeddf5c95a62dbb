package io.raftfleet.agent.main;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.configuration2.INIConfiguration;
import org.apache.commons.configuration2.ex.ConfigurationException;

/** What the configuration file and the environment say, by name. The environment wins over the file. Immutable. */
final class Settings {
    private static final String PREFIX = "FLEET_";

    private final Map<Setting, String> values;

    private Settings(Map<Setting, String> values) {
        this.values = values;
    }

    /**
     * Reads both sources.
     *
     * @param file in INI form without sections; may be missing unless {@code required}
     */
    static Settings read(Path file, boolean required, Map<String, String> environment) throws ConfigException {
        Map<Setting, String> values = new EnumMap<>(Setting.class);
        if (Files.exists(file)) {
            readFile(file, values);
        } else if (required) {
            throw new ConfigException("the configuration file " + file + " does not exist");
        }
        for (Map.Entry<String, String> variable : environment.entrySet()) {
            if (variable.getKey().startsWith(PREFIX)) {
                String key = variable.getKey().substring(PREFIX.length()).toLowerCase(Locale.ROOT);
                values.put(find(key, "environment variable " + variable.getKey()), variable.getValue());
            }
        }
        return new Settings(values);
    }

    private static void readFile(Path file, Map<Setting, String> values) throws ConfigException {
        INIConfiguration ini = new INIConfiguration();
        try (Reader reader = Files.newBufferedReader(file)) {
            ini.read(reader);
        } catch (IOException | ConfigurationException e) {
            throw new ConfigException("the configuration file " + file + " can't be read: " + e.getMessage(), e);
        }
        for (String section : ini.getSections()) {
            if (section != null) {
                throw new ConfigException("section [" + section + "] in " + file
                        + ": the file has no sections; put its lines at the top without it");
            }
        }
        Iterator<String> keys = ini.getKeys();
        while (keys.hasNext()) {
            String key = keys.next();
            // INI keys with dots come escaped; no setting has one.
            values.put(find(key, "\"" + key + "\" in " + file), unquoted(ini.getString(key)));
        }
    }

    private static Setting find(String key, String where) throws ConfigException {
        Optional<Setting> setting = Setting.named(key);
        if (setting.isEmpty()) {
            throw new ConfigException(where + " is no setting: " + Setting.hint(key));
        }
        return setting.get();
    }

    private static String unquoted(String value) {
        boolean quoted = value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"");
        return quoted ? value.substring(1, value.length() - 1) : value;
    }

    Optional<String> get(Setting setting) {
        return Optional.ofNullable(values.get(setting));
    }
}
