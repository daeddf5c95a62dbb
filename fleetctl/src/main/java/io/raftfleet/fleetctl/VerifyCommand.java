package io.raftfleet.fleetctl;

import io.raftfleet.unit.SafeText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code verify}: what the cluster and systemd would say of unit files, without either being there. */
final class VerifyCommand extends FleetCommand {
    @Nullable
    List<String> files;

    boolean user;

    boolean withoutSystemd;

    boolean json;

    VerifyCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "verify",
                "Check unit files without a cluster",
                "",
                "By the rules that files are checked by when they are submitted and, where systemd-analyze is installed, by systemd's."
                        + " Give files that need each other together. An instance whose file is not there is checked with its template's.",
                "Exit codes: 0 no errors, perhaps warnings; 1 errors; 2 wrong usage.");
        syntax.add(Syntax.arguments(given -> files = given).arity("0..*").paramLabel("FILE"));
        syntax.add(Syntax.flag(given -> user = given, "--user").description("For units of a user's systemd."));
        syntax.add(Syntax.flag(given -> withoutSystemd = given, "--no-systemd")
                .description("Check by the cluster's own rules alone."));
        syntax.add(Syntax.flag(given -> json = given, "--json").description("Print what was found as a JSON array."));
    }

    @Override
    public Integer call() {
        List<String> given = files;
        if (given == null || given.isEmpty()) {
            session.err("No files given: fleetctl verify FILE...");
            return 2;
        }
        var local = new LocalUnits(session.terminal().directory());
        var units = new ArrayList<VerifiedFile>();
        var findings = new ArrayList<Finding>();
        for (String argument : given) {
            units.add(VerifiedFile.read(local, argument, findings::add));
        }
        if (!withoutSystemd) {
            Optional<Finding> absent = SystemdAnalyze.check(units, user, findings::add);
            absent.ifPresent(findings::add);
        }
        boolean failed = findings.stream().anyMatch(Finding::error);
        if (json) {
            JsonOutput.print(
                    session.terminal().out(),
                    findings.stream().map(VerifyCommand::members).toList());
        } else {
            for (String argument : given) {
                if (findings.stream().noneMatch(finding -> finding.file().equals(argument) && finding.error())) {
                    session.out(argument + ": ok");
                }
            }
            findings.forEach(finding -> session.err(finding.toString()));
        }
        return failed ? 1 : 0;
    }

    private static Map<String, @Nullable Object> members(Finding finding) {
        var members = new LinkedHashMap<String, @Nullable Object>();
        members.put("file", finding.file());
        members.put("line", finding.line() == 0 ? null : finding.line());
        members.put("level", finding.error() ? "error" : "warning");
        members.put("by", finding.by());
        members.put("message", SafeText.escape(finding.message()));
        return members;
    }

    /**
     * One thing that somebody has to say of a file.
     *
     * @param file as the user gave it; empty for what is about none
     * @param line from 1; 0 for the whole file
     * @param error whether the unit could not be submitted, or would not run
     * @param by {@code fleet} or {@code systemd}: whose rule it is
     * @param message what it is, and what to do
     */
    record Finding(String file, int line, boolean error, String by, String message) {
        @Override
        public String toString() {
            String place = file.isEmpty() ? "" : file + ":" + (line == 0 ? "" : line + ":") + " ";
            return place + (error ? "error" : "warning") + ": " + (by.equals("systemd") ? "systemd: " : "") + message;
        }
    }
}
