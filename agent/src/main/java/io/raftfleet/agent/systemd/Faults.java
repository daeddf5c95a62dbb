package io.raftfleet.agent.systemd;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds out why a unit did not load or start, and says it in one line that does not name the unit: what systemd answers, what its
 * properties add, and what it has logged. Asked only when something is wrong. Its futures never fail. Thread-safe.
 */
final class Faults {
    private static final Pattern NOT_FOUND = Pattern.compile("Unit (\\S+) not found");
    private static final Pattern MASKED = Pattern.compile("Unit (\\S+) is masked");
    /** How many of the units that a unit needs are named. */
    private static final int NAMED = 3;

    private final UnitWarnings warnings;
    private final UnitStore store;

    Faults(UnitWarnings warnings, UnitStore store) {
        this.warnings = warnings;
        this.store = store;
    }

    /** systemd took no start job. */
    CompletableFuture<String> ofRefusal(String unit, BusException refusal, Instant since) {
        String message = String.valueOf(refusal.getMessage());
        return switch (refusal.name()) {
            case "org.freedesktop.systemd1.NoSuchUnit" -> now(named(NOT_FOUND, message, unit, "was not found"));
            case "org.freedesktop.systemd1.UnitMasked" -> now(named(MASKED, message, unit, "is masked"));
            case "org.freedesktop.systemd1.BadUnitSetting" -> badSetting(unit, since);
            case "org.freedesktop.systemd1.LoadFailed" -> logged(unit, message, since);
            default -> now("systemd says: " + message);
        };
    }

    private static String named(Pattern pattern, String message, String unit, String what) {
        Matcher matcher = pattern.matcher(message);
        if (!matcher.find()) {
            return "systemd says: " + message;
        }
        return matcher.group(1).equals(unit)
                ? "it " + what + " by this machine's systemd"
                : matcher.group(1) + ", which it needs, " + what + " on this machine";
    }

    /** systemd could not load a unit whose file is in place. */
    CompletableFuture<String> ofLoad(Systemd systemd, String unit, String loadState, Instant since) {
        return switch (loadState) {
            case "bad-setting" -> badSetting(unit, since);
            case "masked" ->
                systemd.unitText(unit, "FragmentPath")
                        .exceptionally(unreadable -> "")
                        .thenApply(path -> "this machine masks it" + (path.isEmpty() ? "" : " by " + path)
                                + "; unmask it there, or give the unit another name");
            case "error" -> logged(unit, "systemd can't load it", since);
            default -> now("");
        };
    }

    private CompletableFuture<String> badSetting(String unit, Instant since) {
        return logged(unit, "bad unit file setting", since);
    }

    private CompletableFuture<String> logged(String unit, String what, Instant since) {
        return warnings.of(unit, since)
                .thenApply(lines -> lines.isEmpty()
                        ? what + "; systemd's journal on the machine says which"
                        : what + ": " + String.join("; ", lines));
    }

    /**
     * A start job came to nothing.
     *
     * @param result of the job, {@code org.freedesktop.systemd1(5)}, "JobRemoved"
     */
    CompletableFuture<String> ofJob(Systemd systemd, String unit, String result, Instant since) {
        return switch (result) {
            case Orders.DEPENDENCY -> dependency(systemd, unit);
            case Orders.FAILED ->
                warnings.of(unit, since)
                        .thenApply(lines -> lines.isEmpty() ? "systemd could not start it" : String.join("; ", lines));
            case "assert" -> conditions(systemd, unit, "Assert", "it was not started: ");
            case "done", "skipped" -> conditions(systemd, unit, "Condition", "it was skipped: ");
            case Orders.CANCELED -> now("its start was canceled: another job for it took its place");
            case Orders.TIMEOUT -> now("its start took longer than its JobTimeoutSec= or JobRunningTimeoutSec=");
            case "invalid" -> now("systemd can't start such a unit");
            case "unsupported" -> now("this machine does not support units of this type");
            case "collected" -> now("nothing needed it any more before it had started");
            case "once" -> now("it may be started only once in a boot");
            default -> now("its start job ended as \"" + result + "\"");
        };
    }

    /** systemd may have let go of the unit by now, and with it of what it found: then its file says what there is to fail. */
    private CompletableFuture<String> conditions(Systemd systemd, String unit, String kind, String what) {
        return systemd.failedConditions(unit, kind + "s")
                .exceptionally(unreadable -> List.of())
                .thenApply(failed -> {
                    List<String> all = failed.isEmpty() ? store.unitOptions(unit, kind) : failed;
                    String list = String.join(", ", all);
                    return what
                            + switch (all.size()) {
                                case 0 -> "one of its " + kind + "…= does not hold";
                                case 1 -> list + " does not hold";
                                default ->
                                    (failed.isEmpty() ? "one of these does not hold: " : "these do not hold: ") + list;
                            };
                });
    }

    private static CompletableFuture<String> dependency(Systemd systemd, String unit) {
        List<CompletableFuture<List<String>>> needs = List.of(
                systemd.unitTexts(unit, "Requires"),
                systemd.unitTexts(unit, "BindsTo"),
                systemd.unitTexts(unit, "Requisite"));
        return Futures.all(needs)
                .thenCompose(read -> {
                    List<String> names = new ArrayList<>();
                    needs.forEach(list -> names.addAll(list.join()));
                    return systemd.listUnitsByNames(names);
                })
                .thenApply(Faults::lacking)
                .exceptionally(unreadable -> "a unit that it needs did not start");
    }

    private static String lacking(List<Systemd.ListedUnit> needed) {
        List<String> down = needed.stream()
                .filter(unit -> unit.activeState().equals("inactive")
                        || unit.activeState().equals("failed"))
                .map(unit -> unit.name() + " ("
                        + (unit.loadState().equals("loaded") ? unit.activeState() : unit.loadState()) + ")")
                .distinct()
                .limit(NAMED)
                .toList();
        return down.isEmpty()
                ? "a unit that it needs did not start"
                : "a unit that it needs did not start: " + String.join(", ", down);
    }

    private static CompletableFuture<String> now(String text) {
        return CompletableFuture.completedFuture(text);
    }
}
