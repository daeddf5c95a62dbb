package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.cluster.ChangeMembersRequest;
import io.raftfleet.proto.cluster.EngineAddresses;
import java.time.Duration;
import java.util.stream.Collectors;

/** {@code cluster add}, {@code remove} and {@code replace}: who the engines are. */
final class ClusterMembers {
    private static final Duration TIMEOUT = Duration.ofMinutes(10);
    private static final String SYNTAX = "ID=RAFT/GRPC/HTTP";

    private ClusterMembers() {}

    private static Integer change(Session session, ChangeMembersRequest request) {
        try {
            var members = session.client().changeMembers(request, TIMEOUT).getMembersList();
            session.out("The engines are "
                    + members.stream().map(EngineAddresses::getId).sorted().collect(Collectors.joining(", ")));
            return 0;
        } catch (FleetClientException e) {
            throw new CommandException("Error changing the engines: " + e.getMessage(), e);
        }
    }

    private static EngineAddresses engine(String text) {
        int equals = text.indexOf('=');
        String[] addresses = text.substring(equals + 1).split("/", -1);
        if (equals <= 0 || addresses.length != 3) {
            throw new CommandException(
                    "\"" + text + "\" is not " + SYNTAX + ", as in e4=10.0.0.4:14301/10.0.0.4:14201/10.0.0.4:14101",
                    null);
        }
        return EngineAddresses.newBuilder()
                .setId(text.substring(0, equals))
                .setRaftAddress(addresses[0])
                .setGrpcAddress(addresses[1])
                .setHttpAddress(addresses[2])
                .build();
    }

    /** Adds an engine. */
    static final class Add extends FleetCommand {
        String engine = "";

        Add(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "add",
                    "Make an engine, started with --join and waiting, a member of the cluster",
                    "",
                    "It is brought up to date first; the cluster works on meanwhile. Its id must be one that the cluster never had.");
            syntax.add(Syntax.argument(String.class, given -> engine = given).paramLabel(SYNTAX));
        }

        @Override
        public Integer call() {
            return change(
                    session,
                    ChangeMembersRequest.newBuilder().addAdd(engine(engine)).build());
        }
    }

    /** Removes an engine. */
    static final class Remove extends FleetCommand {
        String engine = "";

        Remove(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "remove",
                    "Take an engine out of the cluster, running or lost",
                    "",
                    "If it leads, it hands leadership over first. Its process ends by itself; its data directory is of no use any more.");
            syntax.add(Syntax.argument(String.class, given -> engine = given).paramLabel("ENGINE"));
        }

        @Override
        public Integer call() {
            return change(
                    session, ChangeMembersRequest.newBuilder().addRemove(engine).build());
        }
    }

    /** Replaces an engine. */
    static final class Replace extends FleetCommand {
        String old = "";

        String engine = "";

        Replace(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "replace",
                    "Put a new engine, started with --join and waiting, in the place of one that is lost or to go",
                    "",
                    "One step: at no time does the cluster have fewer engines. The new one may have the old one's addresses.");
            syntax.add(Syntax.argument(String.class, given -> old = given)
                    .index("0")
                    .paramLabel("OLD"));
            syntax.add(Syntax.argument(String.class, given -> engine = given)
                    .index("1")
                    .paramLabel(SYNTAX));
        }

        @Override
        public Integer call() {
            return change(
                    session,
                    ChangeMembersRequest.newBuilder()
                            .addAdd(engine(engine))
                            .addRemove(old)
                            .build());
        }
    }
}
