package io.raftfleet.engine.http;

import com.google.common.net.HostAndPort;
import com.google.common.net.InetAddresses;
import io.netty.handler.codec.http.HttpHeaders;
import io.raftfleet.engine.access.Caller;
import java.util.Collection;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Refuses what only a browser sends that shows somebody else's page. A page reaches an engine in plaintext on the browser's own machine
 * by a name of its own that it lets point there (DNS rebinding): so a name in {@code Host} must be one that this engine goes by;
 * addresses can't be rebound. And a page of another origin says so in {@code Origin}, which no other client sends.
 *
 * <p>Thread-safe: immutable.
 */
public final class BrowserGuard implements HttpHandler {
    private static final String LOCALHOST = "localhost";

    private final HttpHandler handler;
    private final Set<String> names = new TreeSet<>();

    /**
     * Guards a handler.
     *
     * @param names that the engine goes by, without ports; addresses and {@code localhost} need not be named
     */
    public BrowserGuard(HttpHandler handler, Collection<String> names) {
        this.handler = handler;
        names.forEach(name -> this.names.add(plain(name)));
        this.names.add(LOCALHOST);
    }

    @Override
    public CompletableFuture<HttpReply> handle(HttpCall call) {
        var objection = objection(call);
        return objection == null ? handler.handle(call) : objection.now();
    }

    private @Nullable HttpReply objection(HttpCall call) {
        if (call.caller().kind() == Caller.Kind.LOCAL) {
            return null; // No browser gets there.
        }
        // With TLS the engine's certificate would have to have the name, too.
        if (call.caller().kind() == Caller.Kind.PLAINTEXT && !call.host().isEmpty() && !known(call.host())) {
            return HttpReply.error(
                    421,
                    "the engine does not go by the name in the Host header, \"" + call.host()
                            + "\": ask it by an address, or add the name to http_names of all engines");
        }
        if (!call.origin().isEmpty() && !ownOrigin(call)) {
            return HttpReply.error(403, "a page of \"" + call.origin() + "\" may not call this engine");
        }
        if (call.foreign()) {
            return HttpReply.error(403, "a page of another site may not call this engine");
        }
        return null;
    }

    /**
     * Whether a browser says that another site's page makes a request, which it does for images and scripts, too, for which it sends no
     * {@code Origin}; following a link is no such request. Another port of this host is another site, as for {@code Origin}.
     */
    static boolean isForeign(HttpHeaders headers) {
        String site = headers.get("Sec-Fetch-Site", "");
        return (site.equals("cross-site") || site.equals("same-site"))
                && !(headers.get("Sec-Fetch-Mode", "").equals("navigate")
                        && headers.get("Sec-Fetch-Dest", "").equals("document"));
    }

    private boolean known(String host) {
        String name;
        try {
            name = HostAndPort.fromString(host).getHost();
        } catch (IllegalArgumentException e) {
            return false;
        }
        return InetAddresses.isInetAddress(name) || names.contains(plain(name));
    }

    private static boolean ownOrigin(HttpCall call) {
        // A session is shown over TLS alone.
        return (!call.session() && call.origin().equalsIgnoreCase("http://" + call.host()))
                || call.origin().equalsIgnoreCase("https://" + call.host());
    }

    private static String plain(String name) {
        var lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }
}
