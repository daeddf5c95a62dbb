package io.raftfleet.engine.http;

import com.google.protobuf.ByteString;
import io.raftfleet.engine.access.Caller;
import java.util.List;
import java.util.Map;

/**
 * One request, read to its end.
 *
 * @param method as sent, upper case by convention
 * @param path percent-decoded, without the query
 * @param query decoded parameters, each with its values in the order of the request
 * @param contentTypes the values of all {@code Content-Type} headers
 * @param host the {@code Host} header, empty when there is none
 * @param origin the {@code Origin} headers, which browsers send, joined by a comma; empty when there is none
 * @param foreign whether a browser says ({@code Sec-Fetch-Site}, Fetch Metadata) that another site's page makes it, and not by going there
 * @param traceparent the header of which trace it is a part, empty when there is none
 * @param caller who made it
 * @param cookies the {@code Cookie} headers, joined as one; empty when there is none
 * @param session whether who made it is known by a session of the page
 * @param body at most {@link HttpSettings#maxBodyBytes()} bytes
 */
public record HttpCall(
        String method,
        String path,
        Map<String, List<String>> query,
        List<String> contentTypes,
        String host,
        String origin,
        boolean foreign,
        String traceparent,
        Caller caller,
        String cookies,
        boolean session,
        ByteString body) {

    /** Without a session of the page, and of no trace. */
    public HttpCall(
            String method,
            String path,
            Map<String, List<String>> query,
            List<String> contentTypes,
            String host,
            String origin,
            Caller caller,
            ByteString body) {
        this(method, path, query, contentTypes, host, origin, false, "", caller, "", false, body);
    }

    /** The same call of this user, as its session says. */
    HttpCall inSessionOf(Caller user) {
        return new HttpCall(
                method, path, query, contentTypes, host, origin, foreign, traceparent, user, cookies, true, body);
    }

    /**
     * fleet wants one {@code Content-Type}, with whatever parameters; besides, no form of a web page has this one.
     *
     * @throws HttpProblem 415 when it is not JSON
     */
    void requireJson() {
        if (contentTypes.size() != 1) {
            throw new HttpProblem(415, "expected one Content-Type, got " + contentTypes.size());
        }
        String type = contentTypes.getFirst().split(";", 2)[0].trim();
        if (!type.equalsIgnoreCase(HttpReply.JSON)) {
            throw new HttpProblem(415, "Content-Type is \"" + type + "\"; only " + HttpReply.JSON + " is taken");
        }
    }
}
