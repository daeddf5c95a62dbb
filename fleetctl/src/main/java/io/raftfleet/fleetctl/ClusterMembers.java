package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.cluster.ChangeMembersRequest;
import io.raftfleet.proto.cluster.EngineAddresses;
import java.time.Duration;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

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
    @Command(
            name = "add",
            abbreviateSynopsis = true,
            description = {
                "Make an engine, started with --join and waiting, a member of the cluster",
                "",
                "It is brought up to date first; the cluster works on meanwhile. Its id must be one that the cluster never had."
            })
    static final class Add extends FleetCommand {
        @Parameters(paramLabel = SYNTAX)
        String engine = "";

        Add(Session session) {
            super(session);
        }

        @Override
        public Integer call() {
            return change(
                    session,
                    ChangeMembersRequest.newBuilder().addAdd(engine(engine)).build());
        }
    }

    /** Removes an engine. */
    @Command(
            name = "remove",
            abbreviateSynopsis = true,
            description = {
                "Take an engine out of the cluster, running or lost",
                "",
                "If it leads, it hands leadership over first. Its process ends by itself; its data directory is of no use any more."
            })
    static final class Remove extends FleetCommand {
        @Parameters(paramLabel = "ENGINE")
        String engine = "";

        Remove(Session session) {
            super(session);
        }

        @Override
        public Integer call() {
            return change(
                    session, ChangeMembersRequest.newBuilder().addRemove(engine).build());
        }
    }

    /** Replaces an engine. */
    @Command(
            name = "replace",
            abbreviateSynopsis = true,
            description = {
                "Put a new engine, started with --join and waiting, in the place of one that is lost or to go",
                "",
                "One step: at no time does the cluster have fewer engines. The new one may have the old one's addresses."
            })
    static final class Replace extends FleetCommand {
        @Parameters(paramLabel = "OLD", index = "0")
        String old = "";

        @Parameters(paramLabel = SYNTAX, index = "1")
        String engine = "";

        Replace(Session session) {
            super(session);
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
