package io.raftfleet.fleetctl;

import com.google.common.net.HostAndPort;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.PrivateFile;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.CreateLoginRequest;
import io.raftfleet.proto.cluster.CreateLoginResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code ui}: the page in a browser, logged in by a link. */
final class UiCommand extends FleetCommand {
    private static final List<String> SCREENS = List.of("DISPLAY", "WAYLAND_DISPLAY", "BROWSER");

    boolean print;

    @Nullable
    String address;

    UiCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "ui",
                "Open the cluster's page in a browser",
                "",
                "Prints a link to the page of the engine that answers, which logs in as you, with your role. It works once, for 5 minutes, so give it to"
                        + " nobody; what it begins lasts 8 hours at most, and no longer than your certificate. On a desktop a browser opens it.");
        syntax.add(Syntax.flag(given -> print = given, "--print").description("Only print the link."));
        syntax.add(
                Syntax.value(String.class, given -> address = given, "--address")
                        .paramLabel("HOST:PORT")
                        .description(
                                "Where the browser reaches the engine, if not by the address that the cluster knows: a forwarded port, for one."));
    }

    @Override
    public Integer call() {
        String reached = address == null ? null : checked(address);
        CreateLoginResponse login =
                session.client().access(AccessGrpc.getCreateLoginMethod(), CreateLoginRequest.getDefaultInstance());
        String where = reached == null ? login.getHttpAddress() : reached;
        String link = (login.getTls() ? "https://" : "http://") + where + "/"
                + (login.getTls() ? "#/login/" + login.getSecret() : "");
        session.out(link);
        if (login.getTls()) {
            session.err("It logs you in on engine " + login.getEngineId() + ", once, within "
                    + Duration.ofMillis(login.getValidMs()).toMinutes() + " minutes.");
            trust(login);
        } else {
            session.err("Engine " + login.getEngineId()
                    + " serves its page in plaintext, which asks for no login: whoever reaches it may do everything.");
        }
        if (session.global().tunnel != null && reached == null) {
            String port = String.valueOf(HostAndPort.fromString(where).getPortOrDefault(0));
            session.err("If the browser doesn't reach that address: ssh -L " + port + ":" + where + " "
                    + session.global().tunnel + ", and fleetctl ui --address 127.0.0.1:" + port);
        }
        if (!print && session.terminal().interactive()) {
            open(link);
        }
        return 0;
    }

    private static String checked(String address) {
        HostAndPort parsed;
        try {
            parsed = HostAndPort.fromString(address).requireBracketsForIPv6();
        } catch (IllegalArgumentException e) {
            throw new CommandException("--address " + address + ": it is HOST:PORT", e);
        }
        if (!parsed.hasPort() || !parsed.getHost().matches("[A-Za-z0-9.:-]+")) {
            throw new CommandException("--address " + address + ": it is HOST:PORT");
        }
        return parsed.toString();
    }

    /** No browser knows the cluster's authority by itself. */
    private void trust(CreateLoginResponse login) {
        String digest = HexFormat.ofDelimiter(":")
                .withUpperCase()
                .formatHex(login.getCertificateDigest().toByteArray());
        TlsFiles files = session.certificate();
        session.err(
                "A browser that warns of the engine's certificate is right to do so unless the SHA-256 fingerprint is");
        session.err("  " + digest);
        session.err("It warns no more once it knows the cluster's authority"
                + (files == null ? "." : ", " + files.authorities() + "."));
    }

    /** The link goes by a file: what programs are started with, everybody on the machine can see. */
    private void open(String link) {
        Map<String, String> environment = session.terminal().environment();
        if (SCREENS.stream().allMatch(name -> environment.getOrDefault(name, "").isEmpty())) {
            return;
        }
        String browser = environment.getOrDefault("BROWSER", "");
        try {
            Path file = write(link, environment);
            var unused = new ProcessBuilder(browser.isEmpty() ? "xdg-open" : browser, file.toString())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            session.err("No browser could be started (" + CommandException.words(e) + "): open the link in one.");
        }
    }

    private static Path write(String link, Map<String, String> environment) throws IOException {
        String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path directory = (cache.isEmpty()
                        ? Path.of(environment.getOrDefault("HOME", "")).resolve(".cache")
                        : Path.of(cache))
                .resolve("raftfleet");
        PrivateFile.directory(directory);
        Path file = directory.resolve("ui.html");
        PrivateFile.replace(file, String.format(Locale.ROOT, """
                <!DOCTYPE html>
                <html lang="en">
                <meta charset="utf-8">
                <meta name="referrer" content="no-referrer">
                <meta http-equiv="refresh" content="0;url=%1$s">
                <title>raftfleet</title>
                <a href="%1$s">The cluster's page</a>
                """, link));
        return file;
    }
}
