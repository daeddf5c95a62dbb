package io.raftfleet.engine.server;

import io.raftfleet.etcd.EtcdSettings;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Optional;

/** The settings about etcd, under fleet's names where fleet had them. */
final class EtcdOptions {
    private EtcdOptions() {}

    /** Empty when there is to be no mirror. */
    static Optional<EtcdSettings> read(Settings settings) throws SettingsException {
        var servers = settings.get(Setting.ETCD_SERVERS);
        if (servers.isEmpty()) {
            return Optional.empty();
        }
        var urls = new ArrayList<URI>();
        // As fleet's lists: with or without brackets and quotes.
        for (var part : servers.get().replaceAll("[\\[\\]\"\\s]", "").split(",", -1)) {
            urls.add(url(part));
        }
        var username = settings.get(Setting.ETCD_USERNAME);
        var password = settings.get(Setting.ETCD_PASSWORD);
        var passwordFile = settings.file(Setting.ETCD_PASSWORD_FILE);
        var cert = settings.file(Setting.ETCD_CERTFILE);
        var key = settings.file(Setting.ETCD_KEYFILE);
        if (password.isPresent() && passwordFile.isPresent()) {
            throw new SettingsException("etcd_password and etcd_password_file say the same: give one of them");
        }
        if (username.isPresent() != (password.isPresent() || passwordFile.isPresent())) {
            throw new SettingsException(
                    "etcd_username and etcd_password, or etcd_password_file, go together: give both, or neither");
        }
        if (cert.isPresent() != key.isPresent()) {
            throw new SettingsException("etcd_certfile and etcd_keyfile go together: give both, or neither");
        }
        var prefix = settings.require(Setting.ETCD_KEY_PREFIX);
        if (!prefix.startsWith("/")) {
            throw new SettingsException("etcd_key_prefix \"" + prefix + "\" has to begin with a slash");
        }
        return Optional.of(new EtcdSettings(
                urls,
                prefix,
                username,
                password,
                passwordFile,
                settings.file(Setting.ETCD_CAFILE),
                cert,
                key,
                sync(settings.require(Setting.ETCD_MIRROR))));
    }

    private static boolean sync(String mode) throws SettingsException {
        return switch (mode.strip().toLowerCase(Locale.ROOT)) {
            case "async" -> false;
            case "sync" -> true;
            default -> throw new SettingsException("etcd_mirror \"" + mode + "\": it is async or sync");
        };
    }

    private static URI url(String text) throws SettingsException {
        URI url;
        try {
            url = URI.create(text);
        } catch (IllegalArgumentException e) {
            throw new SettingsException("etcd_servers: \"" + text + "\" is no URL", e);
        }
        boolean tls = "https".equals(url.getScheme());
        if ((!tls && !"http".equals(url.getScheme())) || url.getHost() == null || url.getPort() < 0) {
            throw new SettingsException("etcd_servers: \"" + text + "\" is not like http://127.0.0.1:2379");
        }
        if (!tls && !loopback(url.getHost())) {
            throw new SettingsException(
                    "etcd_servers: " + text + " is not on loopback, and without TLS whoever is on the way"
                            + " can change units: use https, with etcd_cafile");
        }
        return url;
    }

    private static boolean loopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }
}
