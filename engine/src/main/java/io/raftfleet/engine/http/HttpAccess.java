package io.raftfleet.engine.http;

import io.raftfleet.engine.access.Access;
import io.raftfleet.engine.access.Caller;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Who may do what over HTTP. What is not here takes an administrator, who learns that it is not there. */
final class HttpAccess {
    private static final Map<String, Access> ROUTES = new TreeMap<>(Map.ofEntries(
            Map.entry("GET UNITS", Access.VIEWER),
            Map.entry("GET UNIT", Access.VIEWER),
            Map.entry("PUT UNIT", Access.OPERATOR),
            Map.entry("DELETE UNIT", Access.OPERATOR),
            Map.entry("GET STATES", Access.VIEWER),
            Map.entry("GET STATE", Access.VIEWER),
            Map.entry("GET MACHINES", Access.VIEWER),
            Map.entry("PATCH MACHINES", Access.ADMIN),
            Map.entry("GET EVENTS", Access.VIEWER),
            Map.entry("GET DISCOVERY", Access.ANYBODY),
            Map.entry("GET OPENAPI", Access.ANYBODY),
            Map.entry("GET TARGETS", Access.VIEWER),
            Map.entry("GET HEALTH", Access.ANYBODY),
            Map.entry("HEAD HEALTH", Access.ANYBODY),
            Map.entry("GET LIVE", Access.ANYBODY),
            Map.entry("HEAD LIVE", Access.ANYBODY),
            Map.entry("GET METRICS", Access.VIEWER),
            Map.entry("HEAD METRICS", Access.VIEWER),
            Map.entry("GET PAGE_FILE", Access.STRANGER),
            Map.entry("HEAD PAGE_FILE", Access.STRANGER),
            Map.entry("POST PAGE_LOGIN", Access.STRANGER),
            Map.entry("DELETE PAGE_LOGIN", Access.STRANGER),
            Map.entry("GET PAGE_ENGINE", Access.VIEWER),
            Map.entry("GET PAGE_MACHINES", Access.VIEWER),
            Map.entry("PUT PAGE_MACHINE", Access.ADMIN),
            Map.entry("GET PAGE_UNITS", Access.VIEWER),
            Map.entry("GET PAGE_ROLLOUTS", Access.VIEWER),
            Map.entry("PUT PAGE_ROLLOUT", Access.OPERATOR),
            Map.entry("GET PAGE_CHANGES", Access.VIEWER),
            Map.entry("GET PAGE_JOURNAL", Access.OPERATOR),
            Map.entry("GET HOME", Access.STRANGER),
            Map.entry("HEAD HOME", Access.STRANGER)));

    private static final Set<String> READS = Set.of("GET", "HEAD");

    private HttpAccess() {}

    /** The whole table, by "METHOD RESOURCE". */
    static Map<String, Access> all() {
        return Collections.unmodifiableMap(ROUTES);
    }

    /**
     * Whether a caller may do what it asks for.
     *
     * @throws HttpProblem 403 when the caller may not do this, 401 when nobody knows who it is
     */
    static void check(Resource resource, HttpCall call) {
        var access = ROUTES.getOrDefault(call.method() + " " + resource, Access.ADMIN);
        var objection = access.objection(call.caller(), call.method() + " " + call.path());
        if (objection != null && call.caller().kind() == Caller.Kind.STRANGER) {
            throw new HttpProblem(
                    401,
                    "nobody knows who asks for " + call.path()
                            + ": log in to the page by a link that fleetctl ui makes, or show a certificate");
        }
        if (objection != null) {
            throw new HttpProblem(403, objection);
        }
        // A browser sends it with all that a page writes; that it is the engine's own page is looked at for all
        // callers.
        if (call.session() && call.origin().isEmpty() && !READS.contains(call.method())) {
            throw new HttpProblem(
                    403,
                    call.method()
                            + " in a session of the page takes an Origin header, as browsers send it: programs show a"
                            + " certificate instead");
        }
    }
}
