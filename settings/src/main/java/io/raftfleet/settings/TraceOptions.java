package io.raftfleet.settings;

import io.raftfleet.traces.TraceSettings;
import java.util.Optional;

/** Where a daemon's traces go. */
public final class TraceOptions {
    private TraceOptions() {}

    /**
     * Empty where nothing is to be traced.
     *
     * @throws SettingsException when the collector, or the ratio, is none
     */
    public static Optional<TraceSettings> resolve(Settings settings) throws SettingsException {
        var ratio = settings.get(Setting.TRACES_RATIO).orElse("1"); // agents begin no trace
        var endpoint = settings.given(Setting.TRACES_ENDPOINT);
        try {
            // A ratio that is none is told also where it has no use yet.
            var checked = TraceSettings.of(endpoint.orElse("http://localhost"), ratio);
            return endpoint.map(given -> checked);
        } catch (IllegalArgumentException e) {
            throw new SettingsException("traces_endpoint, traces_ratio: " + e.getMessage(), e);
        }
    }
}
