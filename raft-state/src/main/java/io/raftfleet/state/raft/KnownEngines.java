package io.raftfleet.state.raft;

import com.google.common.net.HostAndPort;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.server.RaftConfiguration;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * From whom this engine takes Raft's messages: engines that it was started with, that are or were members by its log since it started,
 * or that one of those counts as members. The last are asked for when a message names somebody else: an engine that is about to join, and
 * one that was away while all others were replaced, know their leader from nowhere else. The sender is refused until they answer, and
 * tries again.
 *
 * <p>With TLS, a message is of the engine whose certificate it comes with. Without, whose address is known must also send from it, and
 * that is all there is to tell an engine from another process: one on an engine's own machine can speak in that engine's name.
 *
 * <p>Thread-safe.
 */
final class KnownEngines {
    private static final long BETWEEN_QUESTIONS = TimeUnit.SECONDS.toNanos(1);
    private static final int MOST_TOLD = 1024;
    private static final int SHOWN = 40;

    private final RaftConfig config;
    private final SourceAddresses sources;
    /** Raft addresses by id. */
    private final Map<ByteString, String> addresses = new ConcurrentHashMap<>();
    /** Those whose addresses may be unknown. */
    private final Set<ByteString> told = ConcurrentHashMap.newKeySet();

    private final AtomicLong asked = new AtomicLong(System.nanoTime() - BETWEEN_QUESTIONS);
    private volatile @Nullable RaftConfiguration seen;
    private volatile @Nullable RatisServer server;

    KnownEngines(RaftConfig config, SourceAddresses sources) {
        this.config = config;
        this.sources = sources;
        config.peers().forEach(p -> addresses.put(ByteString.copyFromUtf8(p.id()), p.raftAddress()));
    }

    /** Nobody is known before. */
    void attach(RatisServer newServer) {
        server = newServer;
    }

    /** The term that this engine is in; 0 before it is attached. */
    long currentTerm() {
        RatisServer ratis = server;
        return ratis == null ? 0 : ratis.info().getCurrentTerm();
    }

    /**
     * Why a message that names {@code id} as its sender is not taken, or null when it is.
     *
     * @param certified whose certificate the connection was made with; null without TLS
     */
    @Nullable
    String objection(ByteString id, @Nullable InetAddress from, @Nullable String certified) {
        RatisServer ratis = server;
        if (ratis == null) {
            return "the engine is starting";
        }
        if (id.equals(ratis.id().toByteString())) {
            return "it says that it is this engine itself";
        }
        if (config.tls().isPresent() && (certified == null || !id.equals(ByteString.copyFromUtf8(certified)))) {
            return "it says that it is engine '" + shown(id) + "', with a certificate of "
                    + (certified == null ? "nobody" : "engine '" + certified + "'");
        }
        remember(ratis.division().getRaftConf());
        String address = addresses.get(id);
        if (address == null) {
            if (told.contains(id)) {
                return null;
            }
            ask(ratis);
            return "'" + shown(id) + "' is no engine that this one, or one that it knows, counts as a member: if it is"
                    + " one, name a member of today among this engine's peers";
        }
        String host = HostAndPort.fromString(address).getHost();
        if (config.tls().isPresent() || config.anySource() || sources.fit(host, from)) {
            return null;
        }
        return "it says that it is engine '" + shown(id) + "', which is at " + host
                + ": if that engine sends from another address too, start this one with --raft-any-source";
    }

    @SuppressWarnings("ReferenceEquality") // configurations are immutable, and there is one object of each
    private void remember(RaftConfiguration current) {
        if (current != seen) {
            current.getAllPeers().forEach(p -> addresses.put(p.getId().toByteString(), p.getAddress()));
            seen = current;
        }
    }

    private void ask(RatisServer ratis) {
        long last = asked.get();
        long now = System.nanoTime();
        if (now - last < BETWEEN_QUESTIONS || !asked.compareAndSet(last, now)) {
            return;
        }
        Map<String, RaftPeer> others = new LinkedHashMap<>();
        config.peers().forEach(p -> others.put(p.id(), RatisServer.ratisPeer(p)));
        ratis.otherVoters().forEach(p -> others.put(p.getId().toString(), p));
        others.remove(config.engineId());
        others.values()
                .forEach(p -> Futures.onEnd(ratis.peerClient().members(p), (members, failure) -> {
                    if (failure == null && told.size() + members.size() <= MOST_TOLD) {
                        members.stream().filter(m -> !m.isEmpty()).forEach(m -> told.add(ByteString.copyFromUtf8(m)));
                    }
                }));
    }

    /** A name of unknown origin, for people. */
    private static String shown(ByteString id) {
        ByteString start = id.substring(0, Math.min(SHOWN, id.size()));
        String text = start.toStringUtf8().replaceAll("[^\\p{Alnum}._:/-]", "?");
        return start.size() == id.size() ? text : text + "...";
    }
}
