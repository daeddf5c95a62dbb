package io.raftfleet.engine.http;

import com.google.common.hash.Hashing;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.cookie.Cookie;
import io.netty.handler.codec.http.cookie.CookieHeaderNames.SameSite;
import io.netty.handler.codec.http.cookie.DefaultCookie;
import io.netty.handler.codec.http.cookie.ServerCookieDecoder;
import io.netty.handler.codec.http.cookie.ServerCookieEncoder;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.access.PageLogins;
import io.raftfleet.engine.access.PageLogins.LoginRefusedException;
import io.raftfleet.engine.access.PageLogins.Session;
import io.raftfleet.identity.tls.QuietLog;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code /page/login}: begins a session of the page with the secret of a link ({@code POST}), and ends it ({@code DELETE}). A browser shows
 * its session by a cookie, which its scripts can't read and which it sends with what this engine's page asks alone; whoever shows a
 * certificate, comes by the unix socket or in plaintext is known by that, and needs none.
 *
 * <p>Thread-safe: immutable but for what guards itself.
 */
public final class LoginResource {
    private static final Logger log = LoggerFactory.getLogger(LoginResource.class);
    private static final int NAME_DIGITS = 16;

    private final PageLogins logins;
    private final String cookie;
    private final QuietLog refused = new QuietLog(log::warn, System::nanoTime);

    /**
     * For one engine.
     *
     * @param engine tells it from all others: browsers tell cookies by hosts, and not by ports
     */
    public LoginResource(PageLogins logins, String engine) {
        this.logins = logins;
        // By this beginning of its name browsers know that no other host may set it, nor anybody over plaintext.
        this.cookie = "__Host-raftfleet-"
                + Hashing.sha256()
                        .hashString(engine, StandardCharsets.UTF_8)
                        .toString()
                        .substring(0, NAME_DIGITS);
    }

    record Secret(@Nullable String secret) {}

    /** Begins a session; for who is known otherwise there is nothing to do. */
    HttpReply begin(HttpCall call) {
        call.requireJson();
        String secret =
                Objects.requireNonNullElse(Json.read(call.body(), Secret.class).secret(), "");
        if (call.caller().kind() != Caller.Kind.STRANGER && !call.session()) {
            return HttpReply.empty(204);
        }
        Optional<Session> begun;
        try {
            begun = logins.redeem(secret, token(call));
        } catch (LoginRefusedException e) {
            refused.say("a login to the page is refused: " + e.getMessage());
            throw new HttpProblem(401, String.valueOf(e.getMessage()));
        }
        begun.ifPresent(
                session -> log.info("{} is logged in to the page until {}", session.caller(), session.expires()));
        return begun.map(session ->
                        HttpReply.empty(204).with(HttpHeaderNames.SET_COOKIE.toString(), set(session.token())))
                .orElseGet(() -> HttpReply.empty(204));
    }

    /** Ends the session that the browser has, if there is one. */
    HttpReply end(HttpCall call) {
        if (call.session()) {
            logins.end(token(call));
            log.info("{} has logged out of the page", call.caller());
        }
        return HttpReply.empty(204).with(HttpHeaderNames.SET_COOKIE.toString(), set(""));
    }

    /** The call with who makes it, where its session alone says so. */
    HttpCall known(HttpCall call) {
        if (call.caller().kind() != Caller.Kind.STRANGER) {
            return call;
        }
        String token = token(call);
        return token.isEmpty()
                ? call
                : logins.caller(token).map(call::inSessionOf).orElse(call);
    }

    private String token(HttpCall call) {
        return call.cookies().isEmpty()
                ? ""
                : ServerCookieDecoder.STRICT.decode(call.cookies()).stream()
                        .filter(each -> each.name().equals(cookie))
                        .map(Cookie::value)
                        .findFirst()
                        .orElse("");
    }

    /** Gone with the browser, and at once when it is empty. When it ends otherwise is not the browser's to say. */
    private String set(String token) {
        var set = new DefaultCookie(cookie, token);
        set.setPath("/");
        set.setSecure(true);
        set.setHttpOnly(true);
        set.setSameSite(SameSite.Strict);
        if (token.isEmpty()) {
            set.setMaxAge(0);
        }
        return ServerCookieEncoder.STRICT.encode(set);
    }
}
