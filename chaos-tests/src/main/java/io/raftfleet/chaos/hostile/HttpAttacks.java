package io.raftfleet.chaos.hostile;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** A client of the HTTP API that lies. Holds no state. */
final class HttpAttacks {
    private static final int BODY = 1 << 20;

    private HttpAttacks() {}

    static List<Attack> all() {
        return List.of(
                new Attack("http-documents", HttpAttacks::documents),
                new Attack("http-requests", HttpAttacks::requests),
                new Attack("http-slow", HttpAttacks::slow),
                new Attack("http-pipeline", HttpAttacks::pipeline));
    }

    /** Well-formed requests whose documents are not what they seem. */
    private static void documents(Attacker attacker, RandomGenerator random) throws InterruptedException {
        while (attacker.goesOn()) {
            var path = "/fleet/v1/units/" + Odd.PREFIX + random.nextInt(10) + ".service";
            switch (random.nextInt(7)) {
                case 0 ->
                    send(
                            attacker,
                            random,
                            "PATCH",
                            "/fleet/v1/machines",
                            filled("[{\"op\":\"add\",\"path\":\"/", "/metadata/k\",\"value\":\"y\"}]"));
                case 1 -> send(attacker, random, "PUT", path, "[".repeat(BODY / 2));
                case 2 -> send(attacker, random, "PUT", path, "{\"a\":".repeat(100_000));
                case 3 -> send(attacker, random, "PUT", path, option("/bin/true\\n" + Odd.FORGED_LINE + "=1"));
                case 4 -> send(attacker, random, "PUT", path, option("/bin/true \\\\"));
                case 5 -> send(attacker, random, "PUT", path, "{\"options\":[" + "{},".repeat(100_000) + "{}]}");
                default ->
                    send(
                            attacker,
                            random,
                            "PUT",
                            path,
                            option("\\u001b[31m\\u0000" + "x".repeat(random.nextInt(5_000))));
            }
        }
    }

    private static String option(String value) {
        return "{\"desiredState\":\"inactive\",\"options\":[{\"section\":\"Service\",\"name\":\"ExecStart\",\"value\":\""
                + value + "\"}]}";
    }

    private static String filled(String before, String after) {
        return before + "a".repeat(BODY - before.length() - after.length()) + after;
    }

    private static void send(Attacker attacker, RandomGenerator random, String method, String path, String body)
            throws InterruptedException {
        exchange(
                attacker,
                random,
                (method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                                + "Content-Length: " + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body)
                        .getBytes(StandardCharsets.UTF_8));
    }

    /** Requests that are none, or contradict themselves. */
    private static void requests(Attacker attacker, RandomGenerator random) throws InterruptedException {
        var many = new StringBuilder();
        for (int i = 0; i < 5_000; i++) {
            many.append("X-").append(i).append(": y\r\n");
        }
        var all = List.of(
                "GET /" + "a".repeat(100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
                "GET /fleet/v1/units HTTP/1.1\r\nHost: x\r\nX: " + "y".repeat(1 << 20) + "\r\n\r\n",
                "GET /fleet/v1/units HTTP/1.1\r\n" + many + "\r\n",
                "POST /fleet/v1/units HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 500\r\n\r\nhello",
                "PUT /fleet/v1/units/a.service HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                "PUT /fleet/v1/units/a.service HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\nx",
                "PUT /fleet/v1/units/a.service HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
                "PUT /fleet/v1/units/a.service HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
                "GET /fleet/v1/units/%00%0a" + Odd.FORGED_LINE + "%1b%5b31m HTTP/1.1\r\nHost: x\r\n\r\n",
                "GET /fleet/v1/units/%zz?nextPageToken=%%%% HTTP/1.1\r\nHost: x\r\n\r\n",
                "BREW /\u001b[2J HTTP/1.1\r\n" + Odd.FORGED_LINE + "\r\n\r\n",
                "GET / HTTP/9.9\r\n\r\n",
                "\r\n\r\n\r\n");
        while (attacker.goesOn()) {
            int choice = random.nextInt(all.size() + 1);
            exchange(
                    attacker,
                    random,
                    choice == all.size()
                            ? Odd.bytes(random, random.nextInt(1, 20_000))
                            : all.get(choice).getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Many connections, each with a request that never ends, a byte at a time, or an answer that nobody reads. */
    private static void slow(Attacker attacker, RandomGenerator random) throws InterruptedException {
        var engine = attacker.engine(random);
        var sockets = new ArrayList<Socket>();
        try {
            for (int i = 0; i < 100 && attacker.goesOn(); i++) {
                var socket = attacker.socket(engine.http());
                sockets.add(socket);
                var begin = i % 2 == 0
                        ? "PUT /fleet/v1/units/a.service HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{"
                        : "GET /fleet/v1/units HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50);
                socket.getOutputStream().write(begin.getBytes(StandardCharsets.US_ASCII));
            }
        } catch (IOException e) {
            // As many as it would have.
        }
        while (attacker.goesOn()) {
            for (var socket : sockets) {
                try {
                    socket.getOutputStream().write('x');
                } catch (IOException e) {
                    // Thrown out.
                }
            }
            attacker.rest(100);
        }
    }

    /** Requests by the thousand on one connection, whose answers nobody waits for. */
    private static void pipeline(Attacker attacker, RandomGenerator random) throws InterruptedException {
        var burst = ("GET /fleet/v1/units HTTP/1.1\r\nHost: x\r\n\r\n" + "DELETE /fleet/v1/units/" + Odd.PREFIX
                        + "0.service HTTP/1.1\r\nHost: x\r\n\r\n")
                .repeat(200)
                .getBytes(StandardCharsets.US_ASCII);
        while (attacker.goesOn()) {
            try (var socket = attacker.socket(attacker.engine(random).http())) {
                socket.getOutputStream().write(burst);
                attacker.rest(20);
            } catch (IOException e) {
                // Thrown out.
            }
        }
    }

    private static void exchange(Attacker attacker, RandomGenerator random, byte[] request)
            throws InterruptedException {
        try (var socket = attacker.socket(attacker.engine(random).http())) {
            socket.getOutputStream().write(request);
            socket.setSoTimeout(500);
            var unused = socket.getInputStream().readNBytes(2_000);
        } catch (IOException e) {
            // Thrown out, or no answer to what is no request.
            attacker.rest(1);
        }
    }
}
