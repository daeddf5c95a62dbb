package io.raftfleet.engine.http;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.ChangeFeed;
import io.raftfleet.engine.api.EngineHealth;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.engine.api.JournalFeed;
import io.raftfleet.engine.metrics.EngineMetrics;
import io.raftfleet.engine.trace.CallTrace;
import io.raftfleet.engine.trace.CallTraces;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * All that an engine answers over HTTP: fleet's v1 API under {@code /fleet/v1} and {@code /v1-alpha}, {@code /livez},
 * {@code /readyz} and its older name {@code /healthz}, {@code /metrics}, {@code /http_sd} and the page at {@code /}. Paths and methods as in fleet's {@code api/mux.go}, except that every method
 * a resource does not have gets 405 with {@code Allow}.
 */
public final class FleetHttp implements HttpHandler {
    /** fleet's {@code token_limit}. */
    public static final int DEFAULT_PAGE_SIZE = 100;

    private static final List<String> PREFIXES = List.of("/fleet/v1", "/v1-alpha");

    private final EngineHealth health;
    private final EngineMetrics metrics;
    private final Scrapes scrapes;
    private final UnitsResource units;
    private final StateResource state;
    private final MachinesResource machines;
    private final EventsResource events;
    private final TargetsResource targets;
    private final PageResource page;
    private final PageUnits pageUnits;
    private final PageRollouts pageRollouts;
    private final PageJournal pageJournal;
    private final LoginResource login;
    private final PageFiles pageFiles = new PageFiles();
    private final Discovery discovery = new Discovery();
    private final OpenApi openApi = new OpenApi();
    /** Null where traces are off. */
    private final @Nullable CallTraces traces;

    /**
     * Wires the resources.
     *
     * @param random makes request ids; a {@link java.security.SecureRandom} outside tests
     * @param nanoClock as {@link System#nanoTime}
     * @param pageSize rows a page of a list, 1 to 10,000
     * @param traces of writes; null for none
     */
    public FleetHttp(
            FleetApi api,
            EngineHealth health,
            ChangeFeed changes,
            JournalFeed journals,
            LoginResource login,
            EngineMetrics metrics,
            RandomGenerator random,
            InstantSource clock,
            LongSupplier nanoClock,
            Deadlines deadlines,
            int pageSize,
            @Nullable CallTraces traces) {
        if (pageSize < 1 || pageSize > 10_000) {
            throw new IllegalArgumentException("page size (token_limit) is " + pageSize + "; it is 1 to 10000");
        }
        this.health = health;
        this.login = login;
        this.metrics = metrics;
        this.scrapes = new Scrapes(() -> ByteString.copyFrom(metrics.scrape()));
        this.traces = traces;
        RequestIds requestIds = new RequestIds(random, clock);
        this.units = new UnitsResource(api, requestIds, new RecentStops(nanoClock), deadlines, pageSize);
        this.state = new StateResource(api, deadlines, pageSize);
        this.machines = new MachinesResource(api, requestIds, deadlines, pageSize);
        this.events = new EventsResource(api, changes, deadlines, pageSize);
        this.targets = new TargetsResource(api, deadlines);
        this.page = new PageResource(api, health, changes, requestIds, deadlines);
        this.pageUnits = new PageUnits(api, deadlines);
        this.pageRollouts = new PageRollouts(api, requestIds, deadlines);
        this.pageJournal = new PageJournal(journals);
    }

    /** Never fails: what goes wrong is an answer too. */
    @Override
    public CompletableFuture<HttpReply> handle(HttpCall asked) {
        long started = System.nanoTime();
        HttpCall call = login.known(asked);
        Route route = route(call.path());
        CompletableFuture<HttpReply> answer;
        CallTrace trace = null;
        try {
            HttpAccess.check(route.resource(), call);
            // Those who answer may ask other engines, who want to know for whom.
            Context context = call.caller().in(Context.ROOT);
            trace = trace(route, call);
            answer = (trace == null ? context : trace.in(context)).call(() -> answer(route, call));
        } catch (Exception e) {
            answer = CompletableFuture.failedFuture(e);
        }
        CallTrace traced = trace;
        return answer.exceptionally(failure -> Failures.reply(call.method() + " " + call.path(), failure))
                .thenApply(reply -> {
                    metrics.httpRequest(
                            route.resource().name().toLowerCase(Locale.ROOT),
                            reply.status(),
                            Duration.ofNanos(System.nanoTime() - started));
                    if (traced != null) {
                        traced.answered(reply.status());
                    }
                    // Who has shown nothing holds no connection: they are few, and all share them.
                    return call.caller().kind() == Caller.Kind.STRANGER ? reply.last() : reply;
                });
    }

    /** Of a write; null for what is none, and where traces are off. */
    private @Nullable CallTrace trace(Route route, HttpCall call) {
        if (traces == null || call.method().equals("GET") || call.method().equals("HEAD")) {
            return null;
        }
        return switch (route.resource()) {
            case UNIT, MACHINES, PAGE_MACHINE, PAGE_ROLLOUT ->
                traces.http(call.method(), route.resource().name().toLowerCase(Locale.ROOT), call.traceparent());
            default -> null;
        };
    }

    private record Route(Resource resource, String item) {
        Route(Resource resource) {
            this(resource, "");
        }
    }

    private static Route route(String path) {
        for (String prefix : PREFIXES) {
            if (path.startsWith(prefix)) {
                return apiRoute(path.substring(prefix.length()));
            }
        }
        return switch (path) {
            case "/" -> new Route(Resource.HOME);
            case "/healthz", "/readyz" -> new Route(Resource.HEALTH);
            case "/livez" -> new Route(Resource.LIVE);
            case "/metrics" -> new Route(Resource.METRICS);
            case "/http_sd" -> new Route(Resource.TARGETS);
            case "/openapi.yaml" -> new Route(Resource.OPENAPI);
            case "/page/login" -> new Route(Resource.PAGE_LOGIN);
            case "/page/engine" -> new Route(Resource.PAGE_ENGINE);
            case "/page/machines" -> new Route(Resource.PAGE_MACHINES);
            case "/page/units" -> new Route(Resource.PAGE_UNITS);
            case "/page/rollouts" -> new Route(Resource.PAGE_ROLLOUTS);
            case "/page/changes" -> new Route(Resource.PAGE_CHANGES);
            default -> {
                if (path.startsWith("/page/machines/")) {
                    yield item(Resource.PAGE_MACHINE, path.substring("/page/machines/".length()));
                }
                if (path.startsWith("/page/rollouts/")) {
                    yield item(Resource.PAGE_ROLLOUT, path.substring("/page/rollouts/".length()));
                }
                if (path.startsWith("/page/journal/")) {
                    yield item(Resource.PAGE_JOURNAL, path.substring("/page/journal/".length()));
                }
                yield path.startsWith("/page/")
                        ? item(Resource.PAGE_FILE, path.substring("/page/".length()))
                        : new Route(Resource.NONE);
            }
        };
    }

    private static Route apiRoute(String path) {
        return switch (path) {
            case "" -> new Route(Resource.API_ROOT);
            case "/units" -> new Route(Resource.UNITS);
            case "/state" -> new Route(Resource.STATES);
            case "/machines" -> new Route(Resource.MACHINES);
            case "/events" -> new Route(Resource.EVENTS);
            case "/discovery" -> new Route(Resource.DISCOVERY);
            default -> {
                if (path.startsWith("/units/")) {
                    yield item(Resource.UNIT, path.substring("/units/".length()));
                }
                yield path.startsWith("/state/")
                        ? item(Resource.STATE, path.substring("/state/".length()))
                        : new Route(Resource.NONE);
            }
        };
    }

    private static Route item(Resource resource, String item) {
        return item.isEmpty() || item.indexOf('/') >= 0 ? new Route(Resource.NONE) : new Route(resource, item);
    }

    private CompletableFuture<HttpReply> answer(Route route, HttpCall call) {
        String method = call.method();
        return switch (route.resource()) {
            case UNITS -> {
                allow(call, "GET");
                yield units.list(call);
            }
            case UNIT ->
                switch (method) {
                    case "GET" -> units.get(call, route.item());
                    case "PUT" -> units.put(call, route.item());
                    case "DELETE" -> units.destroy(route.item());
                    default -> throw HttpProblem.methodNotAllowed(method, call.path(), "GET, PUT, DELETE");
                };
            case STATES -> {
                allow(call, "GET");
                yield state.list(call);
            }
            case STATE -> {
                allow(call, "GET");
                yield state.get(call, route.item());
            }
            case MACHINES ->
                switch (method) {
                    case "GET" -> machines.list(call);
                    case "PATCH" -> machines.patch(call);
                    default -> throw HttpProblem.methodNotAllowed(method, call.path(), "GET, PATCH");
                };
            case EVENTS -> {
                allow(call, "GET");
                yield events.list(call);
            }
            case DISCOVERY -> {
                allow(call, "GET");
                yield discovery.get(call).now();
            }
            case OPENAPI -> {
                allow(call, "GET");
                yield openApi.get().now();
            }
            case TARGETS -> {
                allow(call, "GET");
                yield targets.list(call);
            }
            case API_ROOT -> throw HttpProblem.methodNotAllowed(method, call.path(), "");
            case HEALTH -> {
                allow(call, "GET, HEAD");
                yield healthz().now();
            }
            case LIVE -> {
                allow(call, "GET, HEAD");
                yield livez(health.stuck()).now();
            }
            case METRICS -> {
                allow(call, "GET, HEAD");
                yield scrapes.next().thenApply(text -> HttpReply.of(200, EngineMetrics.CONTENT_TYPE, text));
            }
            case HOME -> {
                allow(call, "GET, HEAD");
                yield pageFiles.get("index.html").now();
            }
            case PAGE_FILE -> {
                allow(call, "GET, HEAD");
                yield pageFiles.get(route.item()).now();
            }
            case PAGE_LOGIN ->
                switch (method) {
                    case "POST" -> login.begin(call).now();
                    case "DELETE" -> login.end(call).now();
                    default -> throw HttpProblem.methodNotAllowed(method, call.path(), "POST, DELETE");
                };
            case PAGE_ENGINE -> {
                allow(call, "GET");
                yield page.engine(call).now();
            }
            case PAGE_MACHINES -> {
                allow(call, "GET");
                yield page.machines(call);
            }
            case PAGE_MACHINE -> {
                allow(call, "PUT");
                yield page.order(call, route.item());
            }
            case PAGE_UNITS -> {
                allow(call, "GET");
                yield pageUnits.list(call);
            }
            case PAGE_ROLLOUTS -> {
                allow(call, "GET");
                yield pageRollouts.list(call);
            }
            case PAGE_ROLLOUT -> {
                allow(call, "PUT");
                yield pageRollouts.order(call, route.item());
            }
            case PAGE_CHANGES -> {
                allow(call, "GET");
                yield page.changes(call);
            }
            case PAGE_JOURNAL -> {
                allow(call, "GET");
                yield pageJournal.get(call, route.item());
            }
            case NONE -> throw new HttpProblem(404, "nothing is at " + call.path());
        };
    }

    private static void allow(HttpCall call, String methods) {
        if (!List.of(methods.split(", ")).contains(call.method())) {
            throw HttpProblem.methodNotAllowed(call.method(), call.path(), methods);
        }
    }

    private static HttpReply livez(List<String> stuck) {
        return stuck.isEmpty()
                ? HttpReply.json(200, new Documents.LiveDocument("ok", ""))
                : HttpReply.json(503, new Documents.LiveDocument("stuck", String.join("; ", stuck)));
    }

    private HttpReply healthz() {
        EngineHealth.View view = health.view();
        String why = unready(view);
        Documents.HealthDocument document = new Documents.HealthDocument(
                why.isEmpty() ? "ok" : "unavailable",
                why,
                view.engineId(),
                view.clusterId(),
                view.leading(),
                view.leaderId(),
                view.term(),
                view.commitIndex(),
                view.appliedIndex(),
                view.units(),
                view.machines(),
                view.unitStates(),
                view.memory().held(),
                view.quota());
        return HttpReply.json(why.isEmpty() ? 200 : 503, document);
    }

    /** Empty when it is ready. */
    private static String unready(EngineHealth.View view) {
        if (!view.absence().isEmpty() && view.leaderId().isEmpty()) {
            return view.absence();
        }
        if (view.leaderId().isEmpty()) {
            return "no leader is known: no quorum of engines, or an election is going on";
        }
        return view.catchingUp();
    }
}
