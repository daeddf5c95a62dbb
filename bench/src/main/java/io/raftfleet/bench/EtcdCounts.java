package io.raftfleet.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What the mirror costs etcd: keys, transactions and bytes for starting units, for an idle time in which they run, and for
 * destroying them; as the engines count them, and as etcd does. Starts a cluster and an etcd of its own, with machines in
 * memory.
 */
@Command(
        name = "etcd-counts",
        mixinStandardHelpOptions = true,
        description = "What the mirror writes to etcd, in keys, transactions and bytes.")
public final class EtcdCounts implements Callable<Integer> {
    /** As of one moment. The bytes that etcd received have this program's own questions among them. */
    private record Counts(
            long engineKeys,
            long engineBytes,
            long engineTransactions,
            long revision,
            long puts,
            long deletes,
            long proposals,
            long receivedBytes) {
        Counts minus(Counts before) {
            return new Counts(
                    engineKeys - before.engineKeys,
                    engineBytes - before.engineBytes,
                    engineTransactions - before.engineTransactions,
                    revision - before.revision,
                    puts - before.puts,
                    deletes - before.deletes,
                    proposals - before.proposals,
                    receivedBytes - before.receivedBytes);
        }

        @Override
        public String toString() {
            return ("engines: %,d keys in %,d transactions, %,d bytes; etcd: %,d revisions, %,d puts, %,d deletes,"
                            + " %,d Raft proposals, %,d bytes received from clients")
                    .formatted(
                            engineKeys,
                            engineTransactions,
                            engineBytes,
                            revision,
                            puts,
                            deletes,
                            proposals,
                            receivedBytes);
        }
    }

    @Option(names = "--units", description = "To be started (${DEFAULT-VALUE}).")
    int units = 3000;

    @Option(names = "--clients", description = "Concurrent clients (${DEFAULT-VALUE}).")
    int clients = 8;

    @Option(names = "--machines", description = "Machines in memory (${DEFAULT-VALUE}).")
    int machines = 4;

    @Option(names = "--idle", paramLabel = "TIME", description = "Such as 30s or 10m (${DEFAULT-VALUE}).")
    String idle = "10m";

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public static void main(String[] args) {
        System.exit(new CommandLine(new EtcdCounts()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        var pause = Duration.parse("PT" + idle.toUpperCase(Locale.ROOT));
        try (var cluster = new EtcdCluster("etcd-counts", machines)) {
            cluster.awaitMirrored();
            var begin = counts(cluster);
            var result = cluster.starts(clients).run("count-", units);
            cluster.awaitMirrored();
            var started = counts(cluster);
            System.out.println(result.report());
            System.out.println(units + " starts: " + started.minus(begin));
            TimeUnit.NANOSECONDS.sleep(pause.toNanos());
            var rested = counts(cluster);
            System.out.println("idle for " + idle + ", all units running: " + rested.minus(started));
            cluster.clear(result.names());
            cluster.awaitMirrored();
            System.out.println("all destroyed: " + counts(cluster).minus(rested));
        }
        return 0;
    }

    private Counts counts(EtcdCluster cluster) throws IOException, InterruptedException {
        long keys = 0;
        long bytes = 0;
        long transactions = 0;
        for (var address : cluster.http()) {
            var metrics = metrics("http://" + address + "/metrics");
            keys += value(metrics, "fleet_etcd_mirror_keys_total");
            bytes += value(metrics, "fleet_etcd_mirror_bytes_total");
            transactions += value(metrics, "fleet_etcd_mirror_transactions_total");
        }
        long revision = cluster.etcd().revision();
        var metrics = metrics(cluster.etcd().url() + "/metrics");
        return new Counts(
                keys,
                bytes,
                transactions,
                revision,
                value(metrics, "etcd_debugging_mvcc_put_total"),
                value(metrics, "etcd_debugging_mvcc_delete_total"),
                value(metrics, "etcd_server_proposals_applied_total"),
                value(metrics, "etcd_network_client_grpc_received_bytes_total"));
    }

    private String metrics(String url) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(url))
                .timeout(Duration.ofSeconds(20))
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    /** Of a metric without labels. */
    private static long value(String metrics, String name) {
        return metrics.lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToLong(line -> (long) Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no metric " + name));
    }
}
