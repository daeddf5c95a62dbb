package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.access.PageLogins;
import io.raftfleet.engine.metrics.EngineMetrics;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.TlsIdentity;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HttpAccessTest {
    private static final Map<Resource, String> PATHS = new TreeMap<>(Map.ofEntries(
            Map.entry(Resource.UNITS, "/fleet/v1/units"),
            Map.entry(Resource.UNIT, "/fleet/v1/units/a.service"),
            Map.entry(Resource.STATES, "/fleet/v1/state"),
            Map.entry(Resource.STATE, "/fleet/v1/state/a.service"),
            Map.entry(Resource.MACHINES, "/fleet/v1/machines"),
            Map.entry(Resource.EVENTS, "/fleet/v1/events"),
            Map.entry(Resource.DISCOVERY, "/fleet/v1/discovery"),
            Map.entry(Resource.OPENAPI, "/openapi.yaml"),
            Map.entry(Resource.TARGETS, "/http_sd"),
            Map.entry(Resource.API_ROOT, "/fleet/v1"),
            Map.entry(Resource.HEALTH, "/healthz"),
            Map.entry(Resource.LIVE, "/livez"),
            Map.entry(Resource.METRICS, "/metrics"),
            Map.entry(Resource.PAGE_FILE, "/page/page.js"),
            Map.entry(Resource.PAGE_LOGIN, "/page/login"),
            Map.entry(Resource.PAGE_ENGINE, "/page/engine"),
            Map.entry(Resource.PAGE_MACHINES, "/page/machines"),
            Map.entry(Resource.PAGE_MACHINE, "/page/machines/0123456789abcdef0123456789abcdef"),
            Map.entry(Resource.PAGE_UNITS, "/page/units"),
            Map.entry(Resource.PAGE_ROLLOUTS, "/page/rollouts"),
            Map.entry(Resource.PAGE_ROLLOUT, "/page/rollouts/0123abcd"),
            Map.entry(Resource.PAGE_CHANGES, "/page/changes"),
            Map.entry(Resource.PAGE_JOURNAL, "/page/journal/a.service"),
            Map.entry(Resource.HOME, "/"),
            Map.entry(Resource.NONE, "/nowhere")));

    private static final Pattern CONTENT_LENGTH = Pattern.compile("content-length: ([0-9]+)");

    @TempDir
    Path dir;

    private final MemoryFleet fleet = new MemoryFleet();
    private final EngineMetrics metrics = new EngineMetrics(new PrometheusRegistry(), fleet);
    private @Nullable String objection;
    private final PageLogins logins = new PageLogins(new Random(1), Instant::now, chain -> objection);
    private final FleetHttp http = new FleetHttp(
            fleet,
            fleet,
            fleet,
            fleet,
            new LoginResource(logins, "c1/e1"),
            metrics,
            new Random(1),
            () -> Engine.NOW,
            () -> 0,
            new Deadlines(Duration.ofSeconds(1), Duration.ofSeconds(10)),
            FleetHttp.DEFAULT_PAGE_SIZE,
            null);

    private static Caller user(Role role) {
        return new Caller(Caller.Kind.USER, "u", Optional.of(role));
    }

    private HttpReply ask(String method, String path, Caller caller) {
        return http.handle(new HttpCall(method, path, Map.of(), List.of(), "h", "", caller, ByteString.EMPTY))
                .join();
    }

    @Test
    void everyRouteThatThereIsIsInTheTableAndNoOther() {
        assertThat(PATHS.keySet()).containsExactly(Resource.values());
        PATHS.forEach((resource, path) -> {
            for (var method : List.of("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE")) {
                int status = ask(method, path, Caller.PLAINTEXT).status();
                boolean there = status != 405 && resource != Resource.NONE;
                assertThat(HttpAccess.all().containsKey(method + " " + resource))
                        .as("%s %s answers %d", method, path, status)
                        .isEqualTo(there);
            }
        });
    }

    @Test
    void aRefusalSaysWhoMay() {
        assertThat(ask("GET", "/fleet/v1/units", user(Role.VIEWER)).status()).isEqualTo(200);
        assertThat(ask("DELETE", "/fleet/v1/units/a.service", user(Role.OPERATOR))
                        .status())
                .isNotEqualTo(403);
        for (var refused : List.of(
                ask("PUT", "/fleet/v1/units/a.service", user(Role.VIEWER)),
                ask("DELETE", "/fleet/v1/units/a.service", user(Role.VIEWER)),
                ask("PATCH", "/fleet/v1/machines", user(Role.OPERATOR)),
                ask("GET", "/nowhere", user(Role.OPERATOR)),
                ask("GET", "/fleet/v1/units", new Caller(Caller.Kind.AGENT, "m", Optional.empty())))) {
            assertThat(refused.status()).isEqualTo(403);
            assertThat(refused.body().toStringUtf8()).contains("may not call").contains("it takes a user");
        }
        assertThat(ask("GET", "/healthz", new Caller(Caller.Kind.AGENT, "m", Optional.empty()))
                        .status())
                .isNotEqualTo(403);
    }

    @Test
    void overTlsWhoCallsIsWhomTheCertificateNames() throws Exception {
        var authority = CertificateAuthority.create(dir.resolve("ca"), "c1", Instant.now(), Duration.ofDays(1));
        var own = identity(authority, Kind.ENGINE, "e1", null, List.of("127.0.0.1"));
        var settings = HttpSettings.of("127.0.0.1", 0, Optional.empty(), "test").with(Optional.of(own));
        try (var servers = HttpServers.start(settings, http)) {
            var base = URI.create("https://127.0.0.1:" + servers.address().getPort());
            var viewer = identity(authority, Kind.USER, "eve", Role.VIEWER, List.of());
            try (var client = client(own, viewer.keyManager())) {
                assertThat(send(client, "GET", base.resolve("/fleet/v1/units")).statusCode())
                        .isEqualTo(200);
                var refused = send(client, "DELETE", base.resolve("/fleet/v1/units/a.service"));
                assertThat(refused.statusCode()).isEqualTo(403);
                assertThat(refused.body()).contains("user/eve (viewer) may not call DELETE");
            }
            try (var client = client(own, null)) {
                for (var path : List.of("/healthz", "/metrics", "/fleet/v1/units", "/page/engine", "/nowhere")) {
                    var nobody = send(client, "GET", base.resolve(path));
                    assertThat(nobody.statusCode()).as(path).isEqualTo(401);
                    assertThat(nobody.body()).contains("fleetctl ui", "show a certificate");
                    assertThat(nobody.headers().firstValue("connection")).contains("close");
                }
                assertThat(send(client, "DELETE", base.resolve("/fleet/v1/units/a.service"))
                                .statusCode())
                        .isEqualTo(401);
                assertThat(send(client, "PUT", base.resolve("/fleet/v1/units/a.service"), "x".repeat(20_000))
                                .statusCode())
                        .isEqualTo(413);
                assertThat(send(client, "GET", base.resolve("/")).body()).contains("<!DOCTYPE html>");
            }
            var other = CertificateAuthority.create(dir.resolve("other"), "c1", Instant.now(), Duration.ofDays(1));
            var impostor = identity(other, "other", Kind.USER, "mallory", Role.ADMIN, List.of());
            try (var client = client(own, impostor.keyManager())) {
                assertThatThrownBy(() -> send(client, "GET", base.resolve("/")))
                        .as("a certificate of nobody's is no stranger's")
                        .isInstanceOf(IOException.class);
            }
            try (var plain = new WireClient(servers.address())) {
                plain.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
                assertThatThrownBy(() -> plain.read(true)).isInstanceOfAny(IOException.class, AssertionError.class);
            }
            // The server lives.
            try (var client = client(own, viewer.keyManager())) {
                assertThat(send(client, "GET", base.resolve("/fleet/v1/machines"))
                                .statusCode())
                        .isEqualTo(200);
            }
        }
    }

    private static HttpResponse<String> send(
            HttpClient client, String method, URI uri, String body, Map<String, String> headers) throws Exception {
        var request = HttpRequest.newBuilder(uri)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .timeout(Duration.ofSeconds(20));
        headers.forEach(request::header);
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** From a link to the end of the session, as a browser does it. */
    @Test
    void aBrowserWithoutACertificateLogsInByALink() throws Exception {
        var authority = CertificateAuthority.create(dir.resolve("ca"), "c1", Instant.now(), Duration.ofDays(1));
        var own = identity(authority, Kind.ENGINE, "e1", null, List.of("127.0.0.1"));
        var alice = identity(authority, Kind.USER, "alice", Role.OPERATOR, List.of());
        var operator = new Caller(Caller.Kind.USER, "alice", Optional.of(Role.OPERATOR));
        var settings = HttpSettings.of("127.0.0.1", 0, Optional.empty(), "test").with(Optional.of(own));
        try (var servers = HttpServers.start(settings, new BrowserGuard(http, List.of()));
                var client = client(own, null)) {
            var base = URI.create("https://127.0.0.1:" + servers.address().getPort());
            var origin = Map.of("Origin", base.toString());
            var login = base.resolve("/page/login");
            var unit = base.resolve("/fleet/v1/units/a.service");
            String secret = logins.offer(operator, alice.current().chain()).secret();
            String body = "{\"secret\":\"" + secret + "\"}";
            assertThat(send(client, "POST", login, body, Map.of("Origin", "https://evil.example"))
                            .statusCode())
                    .isEqualTo(403);
            var begun = send(client, "POST", login, body, origin);
            assertThat(begun.statusCode()).isEqualTo(204);
            String set = begun.headers().firstValue("set-cookie").orElseThrow();
            assertThat(set)
                    .startsWith("__Host-raftfleet-")
                    .contains("; Path=/", "; Secure", "; HTTPOnly", "; SameSite=Strict")
                    .doesNotContain("Domain", "Max-Age");
            var cookie = Map.of("Cookie", "other=1; " + set.split(";", 2)[0]);
            var both = Map.of("Cookie", "other=1; " + set.split(";", 2)[0], "Origin", base.toString());
            assertThat(send(client, "GET", base.resolve("/page/engine"), "", cookie)
                            .body())
                    .contains("\"caller\":\"user/alice (operator)\"", "\"role\":\"operator\"", "\"session\":true");

            assertThat(send(client, "PUT", unit, Engine.HELLO, both).statusCode())
                    .isEqualTo(201);
            assertThat(fleet.callers).containsOnly("user/alice");
            assertThat(send(client, "PUT", unit, Engine.HELLO, cookie).body()).contains("takes an Origin header");
            for (var foreign : List.of("https://evil.example", "https://127.0.0.1:1", "null")) {
                assertThat(send(client, "DELETE", unit, "", Map.of("Cookie", both.get("Cookie"), "Origin", foreign))
                                .statusCode())
                        .as(foreign)
                        .isEqualTo(403);
            }
            assertThat(send(client, "PATCH", base.resolve("/fleet/v1/machines"), "[]", both)
                            .body())
                    .contains("user/alice (operator) may not call PATCH");

            // The same browser may open the link again. Another one may not, and ends the session.
            assertThat(send(client, "POST", login, body, both).statusCode()).isEqualTo(204);
            var again = send(client, "POST", login, body, origin);
            assertThat(again.statusCode()).isEqualTo(401);
            assertThat(again.body()).contains("used already, and the session that it began ends now");
            assertThat(send(client, "GET", unit, "", cookie).statusCode()).isEqualTo(401);

            var next = send(
                    client,
                    "POST",
                    login,
                    "{\"secret\":\""
                            + logins.offer(operator, alice.current().chain()).secret() + "\"}",
                    origin);
            var second = Map.of(
                    "Cookie",
                    next.headers().firstValue("set-cookie").orElseThrow().split(";", 2)[0],
                    "Origin",
                    base.toString());
            assertThat(send(client, "GET", unit, "", second).statusCode()).isEqualTo(200);
            var out = send(client, "DELETE", login, "", second);
            assertThat(out.headers().firstValue("set-cookie").orElseThrow()).contains("Max-Age=0");
            assertThat(send(client, "GET", unit, "", second).statusCode()).isEqualTo(401);
        }
    }

    /** Whoever shows a certificate is that, whatever cookies say. */
    @Test
    void aCertificateCountsForMoreThanASession() throws Exception {
        var authority = CertificateAuthority.create(dir.resolve("ca"), "c1", Instant.now(), Duration.ofDays(1));
        var alice = identity(authority, Kind.USER, "alice", Role.ADMIN, List.of());
        var admin = new Caller(Caller.Kind.USER, "alice", Optional.of(Role.ADMIN));
        var secret = logins.offer(admin, alice.current().chain()).secret();
        var cookie = "x=" + logins.redeem(secret, "").orElseThrow().token();
        for (var each :
                List.of(user(Role.VIEWER), Caller.PLAINTEXT, new Caller(Caller.Kind.AGENT, "m", Optional.empty()))) {
            var call = new HttpCall(
                    "GET",
                    "/page/engine",
                    Map.of(),
                    List.of(),
                    "h",
                    "",
                    false,
                    "",
                    each,
                    cookie,
                    false,
                    ByteString.EMPTY);
            assertThat(new LoginResource(logins, "c1/e1").known(call)).isEqualTo(call);
        }
    }

    /** A PUT may take several steps, each after an answer that another thread brings. */
    @Test
    void whoWritesOverTlsIsWhomTheCertificateNamesInEachStep() throws Exception {
        var authority = CertificateAuthority.create(dir.resolve("ca"), "c1", Instant.now(), Duration.ofDays(1));
        var own = identity(authority, Kind.ENGINE, "e1", null, List.of("127.0.0.1"));
        var settings = HttpSettings.of("127.0.0.1", 0, Optional.empty(), "test").with(Optional.of(own));
        fleet.later = true;
        try (var servers = HttpServers.start(settings, http)) {
            var unit = URI.create("https://127.0.0.1:" + servers.address().getPort() + "/fleet/v1/units/a.service");
            var operator = identity(authority, Kind.USER, "alice", Role.OPERATOR, List.of());
            try (var client = client(own, operator.keyManager())) {
                assertThat(send(client, "PUT", unit, Engine.HELLO).statusCode()).isEqualTo(201);
                assertThat(send(client, "PUT", unit, Engine.HELLO.replace("launched", "loaded"))
                                .statusCode())
                        .isEqualTo(204);
                assertThat(send(client, "DELETE", unit).statusCode()).isEqualTo(204);
            }
        }
        assertThat(fleet.callers).hasSize(4).containsOnly("user/alice");
    }

    /** One that waits for a next request, and one in the middle of one. */
    @Test
    void openConnectionsEndWithTheCertificateOfWhoIsRevoked() throws Exception {
        var authority = CertificateAuthority.create(dir.resolve("ca"), "c1", Instant.now(), Duration.ofDays(1));
        var own = identity(authority, Kind.ENGINE, "e1", null, List.of("127.0.0.1"));
        var settings = HttpSettings.of("127.0.0.1", 0, Optional.empty(), "test").with(Optional.of(own));
        var viewer = identity(authority, Kind.USER, "eve", Role.VIEWER, List.of());
        var other = identity(authority, Kind.USER, "bob", Role.VIEWER, List.of());
        try (var servers = HttpServers.start(settings, http);
                var idle = connection(own, viewer, servers);
                var sending = connection(own, viewer, servers);
                var bystander = connection(own, other, servers)) {
            for (var each : List.of(idle, sending, bystander)) {
                assertThat(answer(each)).startsWith("HTTP/1.1 200");
            }
            sending.getOutputStream().write(bytes("PUT /fleet/v1/units/a.service HTTP/1.1\r\nHost: 127.0.0.1\r\n"));
            own.heed((peer, began) -> peer.id().name().equals("eve") ? "it was revoked" : null);
            own.look();
            for (var each : List.of(idle, sending)) {
                assertThat(each.getInputStream().read()).isEqualTo(-1);
            }
            assertThat(answer(bystander)).startsWith("HTTP/1.1 200");
        }
    }

    private static SSLSocket connection(TlsIdentity server, TlsIdentity self, HttpServers servers) throws Exception {
        var socket = (SSLSocket) context(server, self.keyManager())
                .getSocketFactory()
                .createSocket(servers.address().getAddress(), servers.address().getPort());
        socket.setSoTimeout((int) Duration.ofSeconds(20).toMillis());
        return socket;
    }

    private static String answer(SSLSocket connection) throws IOException {
        connection.getOutputStream().write(bytes("GET /fleet/v1/machines HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = connection.getInputStream().read();
            assertThat(next).as("after: %s", head).isNotNegative();
            head.append((char) next);
        }
        var length = CONTENT_LENGTH.matcher(head);
        assertThat(length.find()).as("a length in: %s", head).isTrue();
        connection.getInputStream().skipNBytes(Integer.parseInt(length.group(1)));
        return head.toString();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static HttpResponse<String> send(HttpClient client, String method, URI uri) throws Exception {
        return send(client, method, uri, "");
    }

    private static HttpResponse<String> send(HttpClient client, String method, URI uri, String body) throws Exception {
        return client.send(
                HttpRequest.newBuilder(uri)
                        .header("Content-Type", "application/json")
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .timeout(Duration.ofSeconds(20))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /** As a browser: it looks at the host's name too. */
    private static HttpClient client(TlsIdentity server, @Nullable KeyManager keys) throws Exception {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .sslContext(context(server, keys))
                .build();
    }

    private static SSLContext context(TlsIdentity server, @Nullable KeyManager keys) throws Exception {
        var store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        store.setCertificateEntry("ca", server.current().authorities().getFirst());
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        var context = SSLContext.getInstance("TLS");
        context.init(keys == null ? new KeyManager[0] : new KeyManager[] {keys}, trust.getTrustManagers(), null);
        return context;
    }

    private TlsIdentity identity(
            CertificateAuthority authority, Kind kind, String name, @Nullable Role role, List<String> hosts)
            throws IOException {
        return identity(authority, "ca", kind, name, role, hosts);
    }

    private TlsIdentity identity(
            CertificateAuthority authority,
            String folder,
            Kind kind,
            String name,
            @Nullable Role role,
            List<String> hosts)
            throws IOException {
        var files = new TlsFiles(
                dir.resolve(folder + "/ca.pem"), dir.resolve(name + ".pem"), dir.resolve(name + "-key.pem"));
        authority
                .issue(kind, name, Optional.ofNullable(role), hosts, Instant.now(), Duration.ofDays(1))
                .write(files.certificate(), files.key());
        return TlsIdentity.open(files, InstantSource.system());
    }
}
