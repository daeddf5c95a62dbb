package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.util.Locale;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class UnitHashTest {
    private static final String HEX = "1c6fb6f3684bafb0c173d8b8b957ceff031180c1";

    @Property
    void keepsItsBytesInEveryForm(@ForAll @Size(20) byte[] bytes) {
        UnitHash hash = UnitHash.from(bytes);

        assertThat(hash.toBytes()).isEqualTo(bytes);
        assertThat(UnitHash.from(ByteString.copyFrom(bytes))).isEqualTo(hash).hasSameHashCodeAs(hash);
        assertThat(UnitHash.from(hash.toByteString())).isEqualTo(hash);
        assertThat(UnitHash.fromHex(hash.toHex())).isEqualTo(hash);
    }

    @Property
    void ordersAsItsHexadecimalFormDoes(@ForAll @Size(20) byte[] a, @ForAll @Size(20) byte[] b) {
        UnitHash one = UnitHash.from(a);
        UnitHash other = UnitHash.from(b);

        assertThat(Integer.signum(one.compareTo(other)))
                .isEqualTo(Integer.signum(one.toHex().compareTo(other.toHex())));
    }

    @Test
    void ordersByLaterBytesWhenTheFirstAreEqual() {
        assertThat(new UnitHash(1, 2, 3)).isLessThan(new UnitHash(1, 2, -1)).isLessThan(new UnitHash(1, -2, 0));
        assertThat(new UnitHash(1, 2, 3)).isEqualByComparingTo(new UnitHash(1, 2, 3));
    }

    @Test
    void isWrittenInHexadecimal() {
        UnitHash hash = UnitHash.ofText("[Service]\nExecStart=/bin/sleep 100\n");

        assertThat(hash.toHex()).isEqualTo(HEX);
        assertThat(hash).hasToString(HEX);
        assertThat(hash.abbreviated()).isEqualTo("1c6fb6f");
        assertThat(UnitHash.fromHex(HEX.toUpperCase(Locale.ROOT))).isEqualTo(hash);
    }

    @Test
    void refusesWhatIsNoHash() {
        assertThatThrownBy(() -> UnitHash.from(new byte[19])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> UnitHash.from(ByteString.EMPTY)).hasMessage("a unit hash has 20 bytes, not 0");
        assertThatThrownBy(() -> UnitHash.fromHex(HEX + "00")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> UnitHash.fromHex("g" + HEX.substring(1))).isInstanceOf(IllegalArgumentException.class);
    }
}
