package io.raftfleet.engine.admission;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * One call and what it holds. The connection's thread tells what arrives, the method's what is answered; its monitor guards
 * all fields, and is never held while the call itself is locked or used.
 */
final class AdmittedCall {
    private static final Duration AGAIN = Duration.ofMillis(500);

    private final MethodLimit method;
    private final ByteBudget requests;
    private final ByteBudget answers;
    private final AdmissionMetrics metrics;

    /** Lengths of whole messages that the method of a stream has not been given yet; one of a unary call stays to its end. */
    @GuardedBy("this")
    private final Queue<Long> undelivered = new ArrayDeque<>();

    @GuardedBy("this")
    private @Nullable Peer peer;

    @GuardedBy("this")
    private @Nullable GuardedCall<?, ?> call;

    @GuardedBy("this")
    private Runnable release = () -> {};
    /** Bytes of the message that is arriving. */
    @GuardedBy("this")
    private long message;
    /** What the message that is being delivered takes beyond its bytes. */
    @GuardedBy("this")
    private long delivering;

    @GuardedBy("this")
    private long received;

    @GuardedBy("this")
    private long answered;

    @GuardedBy("this")
    private boolean over;

    AdmittedCall(MethodLimit method, ByteBudget requests, ByteBudget answers, AdmissionMetrics metrics) {
        this.method = method;
        this.requests = requests;
        this.answers = answers;
        this.metrics = metrics;
    }

    MethodLimit method() {
        return method;
    }

    /** From now on it may receive. {@code atEnd} runs once, at once if the stream has ended already. */
    void begin(Peer from, GuardedCall<?, ?> guarded, Runnable atEnd) {
        synchronized (this) {
            peer = from;
            call = guarded;
            if (!over) {
                release = atEnd;
                return;
            }
        }
        atEnd.run();
    }

    /** A piece of a message. */
    void arrived(long bytes) {
        synchronized (this) {
            if (over || peer == null) {
                return;
            }
            message += bytes;
            if (message <= method.maxMessage()) {
                if (take(bytes)) {
                    return;
                }
            }
        }
        refuseRequest();
    }

    /** The message that is about to be delivered takes so many bytes more as an object. */
    void becomes(long more) {
        synchronized (this) {
            if (over || peer == null || take(more)) {
                delivering = more;
                return;
            }
        }
        refuseRequest();
    }

    @GuardedBy("this")
    private boolean take(long bytes) {
        if (peer == null || !requests.tryTake(peer, received, bytes)) {
            return false;
        }
        received += bytes;
        return true;
    }

    private void refuseRequest() {
        boolean tooLong;
        synchronized (this) {
            tooLong = message > method.maxMessage();
        }
        if (tooLong) {
            refuse(
                    Status.RESOURCE_EXHAUSTED.withDescription("a message of this method has at most "
                            + method.maxMessage() + " bytes: send several calls with less in each"),
                    RetryHint.never(),
                    "message");
        } else {
            refuse(
                    Status.RESOURCE_EXHAUSTED.withDescription(
                            "the requests under way hold as many bytes as they may: try again later, one after the other"),
                    RetryHint.after(AGAIN),
                    "bytes");
        }
    }

    /** The message is whole, and goes to the method next. */
    synchronized void arrivedWhole(long bytes) {
        message = 0;
        if (!method.unary()) {
            undelivered.add(bytes);
        }
    }

    /** The method has been given a message, and has taken from it what it needs. */
    synchronized void delivered() {
        Long bytes = undelivered.poll();
        if (bytes != null && peer != null && !over) {
            long less = Math.min(bytes + delivering, received);
            delivering = 0;
            requests.giveBack(peer, less);
            received -= less;
        }
    }

    /**
     * An answer is to be sent. Streams hold themselves back and are not counted. A write's answer is counted and never refused: it was done, and
     * {@code RESOURCE_EXHAUSTED} says that it was not.
     *
     * @return false when the client's untaken answers hold too much already: the call is over then
     */
    boolean answers(long bytes) {
        synchronized (this) {
            if (over || peer == null || !method.unary()) {
                return true;
            }
            boolean room = answers.tryTake(peer, answered, bytes);
            if (!room && method.write()) {
                answers.take(peer, bytes);
                room = true;
            }
            if (room) {
                answered += bytes;
                return true;
            }
        }
        refuse(
                Status.RESOURCE_EXHAUSTED.withDescription(
                        "answers that have not been taken yet hold as many bytes as they may: read them, then ask again"),
                RetryHint.after(AGAIN),
                "bytes");
        return false;
    }

    /** The stream is closed, and nothing of it is buffered any more. */
    void ended() {
        Runnable atEnd;
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            if (peer != null) {
                requests.giveBack(peer, received);
                answers.giveBack(peer, answered);
            }
            atEnd = release;
        }
        atEnd.run();
    }

    private void refuse(Status status, Metadata trailers, String reason) {
        GuardedCall<?, ?> guarded;
        synchronized (this) {
            guarded = call;
        }
        if (guarded != null && guarded.refuse(status, trailers)) {
            metrics.refused(method.kind().label(), reason);
        }
    }
}
