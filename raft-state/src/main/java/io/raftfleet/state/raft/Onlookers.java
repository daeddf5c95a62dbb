package io.raftfleet.state.raft;

/** Who looks at the server that runs, one after the other: whether it still leads, and whether its leader still answers. */
record Onlookers(LeadershipConfirmation confirmation, LeaderWatch watch) {
    /** From now on it is this one. */
    void attach(RatisServer server) {
        watch.attach(server);
        confirmation.attach(server.division());
    }

    /** It leaves its group. */
    void detach() {
        watch.detach();
        confirmation.leadershipLost();
    }
}
