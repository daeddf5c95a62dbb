package io.raftfleet.engine.http;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The JSON of fleet's v1 API (its {@code schema/v1.json}). Whatever is null or empty is left out, as fleet does; fields
 * stand in alphabetical order. {@code vetoes}, which a single unit has alone, {@code warnings}, {@code changedAt} and {@code changedBy} of a unit, and
 * {@code pending} and {@code reason} of a state are not fleet's, whose clients pass over them.
 */
final class Documents {
    private Documents() {}

    record UnitOptionDocument(
            @Nullable String name,
            @Nullable String section,
            @Nullable String value) {}

    record UnitDocument(
            @Nullable String changedAt,
            @Nullable String changedBy,
            @Nullable String currentState,
            @Nullable String desiredState,
            @Nullable String machineID,
            @Nullable String name,
            @Nullable List<@Nullable UnitOptionDocument> options,
            @Nullable List<String> vetoes,
            @Nullable List<String> warnings) {}

    record UnitPage(String nextPageToken, List<UnitDocument> units) {}

    record UnitStateDocument(
            String hash,
            String machineID,
            String name,
            @Nullable Boolean pending,
            @Nullable String reason,
            String systemdActiveState,
            String systemdLoadState,
            String systemdSubState) {}

    record UnitStatePage(String nextPageToken, List<UnitStateDocument> states) {}

    record EventDocument(
            String by,
            String detail,
            @Nullable String first,
            String kind,
            String machineID,
            String message,
            String revision,
            String time,
            @Nullable Integer times,
            String unit) {}

    record EventPage(List<EventDocument> events, @Nullable Boolean gap, String nextPageToken, String revision) {}

    record MachineDocument(String id, Map<String, String> metadata, String primaryIP) {}

    record MachinePage(List<MachineDocument> machines, String nextPageToken) {}

    record ErrorEntity(int code, String message) {}

    record ErrorDocument(ErrorEntity error) {}

    /** What {@code /livez} says. */
    record LiveDocument(String status, String reason) {}

    /** What {@code /readyz} says; see {@link io.raftfleet.engine.api.EngineHealth.View} for the fields. */
    record HealthDocument(
            String status,
            String reason,
            String engineId,
            String clusterId,
            boolean leading,
            String leaderId,
            long term,
            long commitIndex,
            long appliedIndex,
            int units,
            int machines,
            int unitStates,
            long registryBytes,
            long quotaBytes) {}
}
