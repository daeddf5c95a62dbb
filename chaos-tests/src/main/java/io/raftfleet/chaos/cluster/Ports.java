package io.raftfleet.chaos.cluster;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Free ports on the loopback address, each given out once. They lie below the range from which the kernel takes the ports of
 * outgoing connections, so that none of those is in the way when an engine starts again. Of JVMs in which tests run beside each other each has
 * a part of them, for a port counts as free while the engine that has it is down.
 */
public final class Ports {
    private static final int PARTS = 2;
    private static final int EACH = 8_500;
    private static final int LOWEST = 15_000 + Integer.getInteger("raftfleet.test.jvm", 1) % PARTS * EACH;
    private static final int HIGHEST = LOWEST + EACH;
    private static final int ATTEMPTS = 1_000;
    private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

    private Ports() {}

    /** A port that nothing listens on now. */
    public static int free() {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST, HIGHEST);
            if (GIVEN.add(port) && isFree(port)) {
                return port;
            }
        }
        throw new IllegalStateException("no free port between " + LOWEST + " and " + HIGHEST + " in " + ATTEMPTS
                + " attempts: something holds nearly all of them");
    }

    private static boolean isFree(int port) {
        try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }
}
