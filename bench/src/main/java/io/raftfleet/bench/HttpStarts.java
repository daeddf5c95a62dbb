package io.raftfleet.bench;

import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.FleetClient;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Starts units through the HTTP v1 API, one PUT a unit, from several clients at once over all engines, and measures each
 * from its request to the watch event that tells that its machine reported it active. Runs against a cluster that is up;
 * removes its units between rounds. The first round of a fresh cluster is a cold one: quote the later ones.
 */
@Command(name = "http-starts", mixinStandardHelpOptions = true, description = "Start latency through the HTTP v1 API.")
public final class HttpStarts implements Callable<Integer> {
    @Option(names = "--grpc", required = true, paramLabel = "HOST:PORT,...", description = "gRPC addresses.")
    String grpc = "";

    @Option(
            names = "--http",
            required = true,
            split = ",",
            paramLabel = "HOST:PORT,...",
            description = "HTTP addresses.")
    List<String> http = List.of();

    @Option(names = "--units", description = "Units a round (${DEFAULT-VALUE}).")
    int units = 3000;

    @Option(names = "--clients", description = "Concurrent clients (${DEFAULT-VALUE}).")
    int clients = 8;

    @Option(names = "--rounds", description = "Rounds (${DEFAULT-VALUE}).")
    int rounds = 3;

    public static void main(String[] args) {
        System.exit(new CommandLine(new HttpStarts()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        var options = ClientOptions.of(Endpoint.parseList(grpc)).withRequestTimeout(Duration.ofSeconds(30));
        try (var fleet = new FleetClient(options)) {
            var starts = StartRound.overHttp(fleet, http, clients);
            for (int round = 1; round <= rounds; round++) {
                var result = starts.run("bench-" + round + "-", units);
                fleet.destroyUnits(result.names());
                System.out.println("round " + round + ": " + result.report());
            }
        }
        return 0;
    }
}
