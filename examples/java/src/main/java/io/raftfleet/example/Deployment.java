package io.raftfleet.example;

import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.EventStream;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.WaitGoal;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.UnitState;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Has a service run somewhere on the cluster, changes it, and tells what happens to it. The cluster's leader may die at any time: nothing
 * here does anything about that, the client does.
 *
 * <pre>java -cp 'examples/java/target/raftfleet-example-0.2.0.jar:examples/java/target/lib/*' io.raftfleet.example.Deployment \
 *     10.0.0.1:14201,10.0.0.2:14202,10.0.0.3:14203 ca.crt user.crt user.key</pre>
 */
public final class Deployment implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int TRIES = 3;

    private final FleetClient client;
    private final String name;

    /** @param name of the unit, "hello.service" */
    public Deployment(ClientOptions options, String name) {
        this.client = new FleetClient(options.withRequestTimeout(Duration.ofSeconds(10)));
        this.name = name;
    }

    /** Has it run with this text, in place of what it ran with before, and waits until it does. */
    public UnitState run(String text) throws InterruptedException, TimeoutException {
        String file = "[Service]\nExecStart=/bin/sh -c 'echo %s; exec sleep infinity'\n".formatted(text);
        insist(() -> client.units().replace(Map.of(name, file)));
        return Objects.requireNonNull(
                client.units().awaitActive(List.of(name), PATIENCE).get(name));
    }

    /** Removes it, and waits until no machine has it any more. */
    public void remove() throws InterruptedException, TimeoutException {
        // One of these calls may have removed it although its answer was lost, and then the next one finds nothing.
        for (ItemResult refused :
                insist(() -> client.destroyUnits(List.of(name))).refused()) {
            if (refused.getCode() != ItemCode.ITEM_CODE_NOT_FOUND) {
                throw new IllegalStateException(refused.getMessage());
            }
        }
        client.units().await(List.of(name), WaitGoal.DESTROYED, PATIENCE);
    }

    /** What has happened to it, and what will. */
    public EventStream events() {
        return client.events(ListEventsRequest.newBuilder().addNames(name).build());
    }

    /**
     * The client has tried all engines for ten seconds before it fails. If a cluster may be without a majority for longer, a program
     * goes on as long as it likes: these orders may be given twice.
     */
    private static <T> T insist(Supplier<T> order) {
        for (int attempt = 1; ; attempt++) {
            try {
                return order.get();
            } catch (FleetClientException e) {
                if (attempt == TRIES || !e.mayPass()) {
                    throw e;
                }
            }
        }
    }

    @Override
    public void close() {
        client.close();
    }

    /** Endpoints, and, unless the cluster takes plaintext, the files with authorities, certificate and key. */
    public static void main(String[] arguments) throws InterruptedException, TimeoutException {
        var options = ClientOptions.of(Endpoint.parseList(arguments[0]));
        if (arguments.length == 4) {
            options =
                    options.withTls(new TlsFiles(Path.of(arguments[1]), Path.of(arguments[2]), Path.of(arguments[3])));
        }
        try (var hello = new Deployment(options, "hello.service");
                var events = hello.events()) {
            System.out.println("up on machine " + hello.run("hello").getMachineId());
            System.out.println("changed, with process " + hello.run("good day").getMainPid());
            hello.remove();
            for (Event event : events.next(PATIENCE)) {
                System.out.println(Instant.ofEpochMilli(event.getTimeMs()) + " " + event.getMessage());
            }
        }
    }
}
