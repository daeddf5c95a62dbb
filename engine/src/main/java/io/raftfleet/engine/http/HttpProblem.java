package io.raftfleet.engine.http;

import io.raftfleet.proto.model.Revision;

/** A call that can't be served, with the answer it gets. Carries no stack trace: it is an answer, not a fault. */
final class HttpProblem extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String allow;
    private transient Revision revision = Revision.getDefaultInstance();

    HttpProblem(int status, String message) {
        this(status, message, "");
    }

    private HttpProblem(int status, String message, String allow) {
        super(message, null, false, false);
        this.status = status;
        this.allow = allow;
    }

    /** 405, naming the methods that the resource has; {@code allow} is empty for a path that has none. */
    static HttpProblem methodNotAllowed(String method, String path, String allow) {
        String has = allow.isEmpty() ? "nothing can be asked of it" : "it has " + allow;
        return new HttpProblem(405, "method " + method + " is not supported on " + path + ": " + has, allow);
    }

    /** Found so at this revision of the registry. */
    HttpProblem at(Revision found) {
        revision = found;
        return this;
    }

    HttpReply reply() {
        HttpReply reply = HttpReply.error(status, String.valueOf(getMessage())).at(revision);
        return status == 405 ? reply.with("Allow", allow) : reply;
    }
}
