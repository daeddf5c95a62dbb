package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.identity.Role;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BrowserGuardTest {
    private final BrowserGuard guard =
            new BrowserGuard(call -> HttpReply.empty(204).now(), List.of("e1.example.com", "VIP.example.com."));

    private HttpReply ask(String host, String origin, Caller caller) {
        return guard.handle(new HttpCall("GET", "/", Map.of(), List.of(), host, origin, caller, ByteString.EMPTY))
                .join();
    }

    private int plain(String host, String origin) {
        return ask(host, origin, Caller.PLAINTEXT).status();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.0.0.1:14101",
                "[::1]:14101",
                "::1",
                "10.1.2.3:80",
                "localhost",
                "localhost:14101",
                "LocalHost.:1",
                "e1.example.com",
                "E1.Example.COM:14101",
                "vip.example.com",
                ""
            })
    void goesByAddressesAndByItsNames(String host) {
        assertThat(plain(host, "")).isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "evil.example:14101",
                "127.0.0.1.evil.example",
                "localhost.evil.example",
                "e1.example.com.evil.example",
                "e1.example.com:80:80",
                "127.0.0.1 ",
                "0x7f.1",
                "2130706433",
                "[::1",
                "a b",
                "localhost@evil.example"
            })
    void refusesAPageThatHasItsNamePointHere(String host) {
        var refused = ask(host, "", Caller.PLAINTEXT);
        assertThat(refused.status()).isEqualTo(421);
        assertThat(refused.body().toStringUtf8()).contains("http_names");
    }

    @Test
    void aPageOfTheEngineMayCallItAndNoOtherMay() {
        assertThat(plain("127.0.0.1:14101", "http://127.0.0.1:14101")).isEqualTo(204);
        assertThat(plain("e1.example.com", "https://e1.example.com")).isEqualTo(204);
        for (var foreign : List.of(
                "http://evil.example",
                "http://127.0.0.1:8080",
                "http://127.0.0.1",
                "null",
                "http://127.0.0.1:14101.evil.example",
                "file://")) {
            assertThat(plain("127.0.0.1:14101", foreign)).as(foreign).isEqualTo(403);
        }
        var user = new Caller(Caller.Kind.USER, "u", Optional.of(Role.ADMIN));
        assertThat(ask("e1.example.com", "https://evil.example", user).status())
                .as("a browser shows the user's certificate to any page's call")
                .isEqualTo(403);
    }

    @Test
    void aUnixSocketIsNoBrowsers() {
        assertThat(ask("domain-sock", "", Caller.LOCAL).status()).isEqualTo(204);
    }

    @ParameterizedTest
    @CsvSource({
        "cross-site, no-cors, image, true",
        "cross-site, cors, empty, true",
        "same-site, no-cors, script, true",
        "cross-site, navigate, iframe, true",
        "cross-site, navigate, document, false",
        "same-origin, cors, empty, false",
        "none, navigate, document, false",
        "'', '', '', false"
    })
    void whatAPageOfAnotherSiteLoadsIsToldFromALinkThatSomebodyFollows(
            String site, String mode, String destination, boolean foreign) {
        var headers = new DefaultHttpHeaders()
                .set("Sec-Fetch-Site", site)
                .set("Sec-Fetch-Mode", mode)
                .set("Sec-Fetch-Dest", destination);
        assertThat(BrowserGuard.isForeign(headers)).isEqualTo(foreign);
    }

    @Test
    void whatAPageOfAnotherSiteLoadsIsRefused() {
        var call = new HttpCall(
                "GET",
                "/",
                Map.of(),
                List.of(),
                "localhost",
                "",
                true,
                "",
                Caller.PLAINTEXT,
                "",
                false,
                ByteString.EMPTY);
        assertThat(guard.handle(call).join().status()).isEqualTo(403);
    }
}
