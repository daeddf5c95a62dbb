package io.raftfleet.fleetctl;

import io.grpc.Status;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.CreateTokenRequest;
import io.raftfleet.proto.cluster.JoinToken;
import io.raftfleet.proto.cluster.ListTokensRequest;
import io.raftfleet.proto.cluster.RemoveTokenRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code token}: lines by which machines and engines join. */
final class TokenCommand extends CommandGroup {
    TokenCommand(Session session) {
        super(session);
    }

    /** Makes one. */
    static final class Create extends FleetCommand {
        String role = "";

        String ttl = "1h";

        int uses = 1;

        @Nullable
        String machineId;

        @Nullable
        String engineId;

        Create(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "create",
                    "Make a token",
                    "",
                    "Prints one line, to be pasted where somebody joins, into fleet-agent join - or fleet-engine join -. Whoever has it"
                            + " may use it, and an engine's token is worth the whole cluster. It is shown once.");
            syntax.add(Syntax.value(String.class, given -> role = given, "--role")
                    .required(true)
                    .paramLabel("agent|engine")
                    .description("What it makes of a machine."));
            syntax.add(Syntax.value(String.class, given -> ttl = given, "--ttl")
                    .paramLabel("TIME")
                    .description("How long it is good for. Default: ${DEFAULT-VALUE}")
                    .initialValue(ttl));
            syntax.add(Syntax.value(int.class, given -> uses = given, "--uses")
                    .paramLabel("N")
                    .description("How many may join with it. Default: ${DEFAULT-VALUE}")
                    .initialValue(uses));
            syntax.add(Syntax.value(String.class, given -> machineId = given, "--machine-id")
                    .paramLabel("ID")
                    .description("Only this machine, which the cluster may know already: it joins again."));
            syntax.add(Syntax.value(String.class, given -> engineId = given, "--engine-id")
                    .paramLabel("ID")
                    .description("Only this engine."));
        }

        @Override
        public Integer call() {
            var kind = switch (role) {
                case "agent" -> SpiffeId.Kind.AGENT;
                case "engine" -> SpiffeId.Kind.ENGINE;
                default ->
                    throw new CommandException(
                            "--role " + role + ": it is agent or engine; for people see fleetctl user create");
            };
            String name = kind == SpiffeId.Kind.AGENT ? machineId : engineId;
            if ((kind == SpiffeId.Kind.AGENT ? engineId : machineId) != null) {
                throw new CommandException("--machine-id goes with --role agent, --engine-id with --role engine");
            }
            if (name != null && name.isEmpty()) {
                throw new CommandException("--" + (kind == SpiffeId.Kind.AGENT ? "machine" : "engine")
                        + "-id is empty: leave it out for a token that is good for any");
            }
            var answer = session.client()
                    .access(
                            AccessGrpc.getCreateTokenMethod(),
                            CreateTokenRequest.newBuilder()
                                    .setWho(Principals.of(kind, name == null ? "" : name))
                                    .setUses(uses)
                                    .setLifetimeMs(Principals.time("--ttl", ttl).toMillis())
                                    .build());
            session.out(answer.getToken());
            session.err("There, type fleet-" + role
                    + " join - and paste this line. As an argument it would show in the list of processes.");
            return 0;
        }
    }

    /** Lists them. */
    static final class ListThem extends FleetCommand {
        boolean json;

        ListThem(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command("list", "List open tokens and who has used them");
            syntax.add(Syntax.flag(given -> json = given, "--json").description("Print a JSON array."));
        }

        @Override
        public Integer call() {
            List<JoinToken> tokens = session.client()
                    .access(AccessGrpc.getListTokensMethod(), ListTokensRequest.getDefaultInstance())
                    .getTokensList();
            if (json) {
                var rows = new ArrayList<Map<String, @Nullable Object>>();
                for (var token : tokens) {
                    var row = new LinkedHashMap<String, @Nullable Object>();
                    row.put("id", token.getId());
                    row.put("kind", Principals.kind(token.getWho()));
                    row.put("name", token.getWho().getName());
                    row.put("role", token.getRole());
                    row.put("uses", token.getUses());
                    row.put(
                            "used",
                            token.getUsedList().stream().map(Principals::text).toList());
                    row.put("expires", Principals.time(token.getExpiresMs()));
                    row.put("createdBy", token.getCreatedBy());
                    rows.add(row);
                }
                JsonOutput.print(session.terminal().out(), rows);
                return 0;
            }
            var table = new Table();
            table.add("TOKEN", "FOR", "ROLE", "USES", "EXPIRES", "MADE BY", "USED BY");
            for (var token : tokens) {
                String name = token.getWho().getName();
                table.add(
                        token.getId(),
                        Principals.kind(token.getWho()) + (name.isEmpty() ? "" : "/" + name),
                        token.getRole().isEmpty() ? "-" : token.getRole(),
                        token.getUsedCount() + "/" + token.getUses(),
                        Principals.time(token.getExpiresMs()),
                        token.getCreatedBy(),
                        token.getUsedCount() == 0
                                ? "-"
                                : token.getUsedList().stream()
                                        .map(Principals::text)
                                        .collect(Collectors.joining(",")));
            }
            table.print(session.terminal().out());
            return 0;
        }
    }

    /** Takes some away. */
    static final class Remove extends FleetCommand {
        List<String> ids = List.of();

        Remove(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command("rm", "Take tokens away; who has joined stays");
            syntax.add(Syntax.arguments(given -> ids = given)
                    .arity("1..*")
                    .paramLabel("TOKEN")
                    .description("Its id, as fleetctl token list has it."));
        }

        @Override
        public Integer call() {
            int failures = 0;
            for (String id : ids) {
                failures += remove(id) ? 0 : 1;
            }
            return failures == 0 ? 0 : 1;
        }

        private boolean remove(String id) {
            try {
                var unused = session.client()
                        .access(
                                AccessGrpc.getRemoveTokenMethod(),
                                RemoveTokenRequest.newBuilder().setId(id).build());
                session.out("Took token " + id + " away");
                return true;
            } catch (FleetClientException e) {
                // It was sent again after an answer that did not come.
                if (e.code() == Status.Code.NOT_FOUND && e.fate() == FleetClientException.Fate.UNKNOWN) {
                    session.out("Token " + id + " is gone, by this or before");
                    return true;
                }
                session.err("Error taking token " + id + " away: " + e.getMessage());
                return false;
            }
        }
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command("token", "Make, list and take away the tokens by which machines and engines join");
    }
}
