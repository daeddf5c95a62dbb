package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnitPathTest {
    /** Expected values as {@code systemd-escape}'s counterpart for buses, {@code sd_bus_path_encode}, makes them. */
    @ParameterizedTest
    @CsvSource({
        "web.service, web_2eservice",
        "web@1.service, web_401_2eservice",
        "0day.service, _30day_2eservice",
        "a_b-c.d:e.socket, a_5fb_2dc_2ed_3ae_2esocket",
        "a\\x2db.mount, a_5cx2db_2emount",
    })
    void escapesAllButLettersAndDigits(String unit, String expected) {
        assertThat(UnitPath.of(unit)).isEqualTo("/org/freedesktop/systemd1/unit/" + expected);
    }
}
