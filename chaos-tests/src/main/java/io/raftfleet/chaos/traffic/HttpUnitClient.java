package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event.Call;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.databind.json.JsonMapper;

/** fleet's v1 API, each call once. */
final class HttpUnitClient implements UnitClient {
    private final String engine;
    private final HttpApi http;
    private final JsonMapper json = JsonMapper.builder().build();

    HttpUnitClient(String engine, HttpApi http) {
        this.engine = engine;
        this.http = http;
    }

    @Override
    public String engine() {
        return engine;
    }

    @Override
    public List<Answer> call(List<Call> calls, Consumer<String> retried) {
        return calls.stream().map(this::call).toList();
    }

    private Answer call(Call call) {
        try {
            return switch (call.kind()) {
                case READ, STALE_READ -> read(call.unit());
                case READ_METADATA -> readMetadata(call.unit());
                case PATCH -> written(http.send("PATCH", "machines", patch(call)), "204");
                case CREATE, REPLACE, PUT ->
                    written(send(call.unit(), "PUT", document(call, true)), "201", "204", "409");
                case SET_TARGET, RESTART -> written(send(call.unit(), "PUT", document(call, false)), "204", "409");
                case DESTROY -> written(send(call.unit(), "DELETE", ""), "204", "404");
            };
        } catch (ConnectException | HttpConnectTimeoutException e) {
            return Answer.failed("no connection");
        } catch (IOException e) {
            return Answer.unknown(e.getClass().getSimpleName());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Answer.unknown("interrupted");
        }
    }

    private Answer read(String unit) throws IOException, InterruptedException {
        var response = send(unit, "GET", "");
        if (response.statusCode() == 404) {
            return Answer.found(null, HttpApi.revision(response));
        }
        if (response.statusCode() != 200) {
            return Answer.unknown(Integer.toString(response.statusCode()));
        }
        return Answer.found(HttpApi.row(json.readTree(response.body())).value(), HttpApi.revision(response));
    }

    /** Only machines that are heard are told over HTTP. */
    private Answer readMetadata(String which) throws IOException, InterruptedException {
        var response = http.send("GET", "machines", "");
        if (response.statusCode() != 200) {
            return Answer.unknown(Integer.toString(response.statusCode()));
        }
        for (var machine : json.readTree(response.body()).path("machines")) {
            if (machine.path("id").asString("").equals(Metadata.machine(which))) {
                var value = machine.path("metadata").path(Metadata.key(which)).asString("");
                return Metadata.found(value.isEmpty() ? null : value).at(HttpApi.revision(response));
            }
        }
        return Answer.unknown("no such machine");
    }

    private String patch(Call call) {
        Map<String, Object> operation = new LinkedHashMap<>();
        operation.put("op", call.contents().isEmpty() ? "remove" : "replace");
        operation.put("path", "/" + Metadata.machine(call.unit()) + "/metadata/" + Metadata.key(call.unit()));
        if (!call.contents().isEmpty()) {
            operation.put("value", call.contents());
        }
        return json.writeValueAsString(List.of(operation));
    }

    private static Answer written(HttpResponse<String> response, String... answers) {
        var code = Integer.toString(response.statusCode());
        return List.of(answers).contains(code) ? Answer.of(code).at(HttpApi.revision(response)) : Answer.unknown(code);
    }

    private HttpResponse<String> send(String unit, String method, String body)
            throws IOException, InterruptedException {
        return http.send(method, "units/" + unit, body);
    }

    private String document(Call call, boolean withOptions) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("name", call.unit());
        document.put("desiredState", call.target());
        var options = new ArrayList<Map<String, String>>();
        if (withOptions) {
            Contents.file(call.contents())
                    .options()
                    .forEach(option -> options.add(
                            Map.of("section", option.section(), "name", option.name(), "value", option.value())));
        }
        document.put("options", options);
        return json.writeValueAsString(document);
    }
}
