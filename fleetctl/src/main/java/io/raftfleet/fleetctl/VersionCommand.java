package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.VersionResponse;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/** {@code version}. With {@code --json} it also asks an engine for its version, and does not mind when none answers. */
final class VersionCommand extends FleetCommand {
    boolean json;

    VersionCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command("version", "Print the version and exit");
        syntax.add(Syntax.yesOrNo(given -> json = given, "--json")
                .description("Print the versions of client and engine as JSON."));
    }

    @Override
    public Integer call() {
        if (!json) {
            session.out(Version.line());
            return 0;
        }
        var row = new LinkedHashMap<String, @Nullable Object>();
        row.put("fleetctl", Version.number());
        try {
            VersionResponse engine = session.client().version();
            row.put("engine", engine.getVersion());
            row.put("engineId", engine.getEngineId());
            row.put("clusterId", engine.getClusterId());
            row.put("leader", engine.getLeaderId());
            row.put("leaderGrpc", engine.getLeaderGrpc());
        } catch (FleetClientException e) {
            row.put("engine", null);
            row.put("error", e.getMessage());
        }
        JsonOutput.print(session.terminal().out(), row);
        return 0;
    }
}
