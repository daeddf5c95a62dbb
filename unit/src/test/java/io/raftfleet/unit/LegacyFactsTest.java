package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.google.protobuf.TextFormat;
import io.raftfleet.proto.log.UnitFacts;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What version 0.1 read, written down: these values stand whatever later versions read in the same files. */
class LegacyFactsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "MachineID=148a18ff|machine_id: \"148a18ff\"",
                "MachineID=|machine_id: \"\"",
                "MachineID=a\\nMachineID=b|machine_id: \"a\"",
                "X-ConditionMachineBootID=boot\\nX-ConditionMachineID=old|machine_id: \"old\"",
                "X-ConditionMachineID=old\\nMachineID=new|machine_id: \"new\"",
                "MachineOf=a.service b.service|peers: \"a.service b.service\"",
                "MachineOf=\"a.service\" \"%p@%i.socket\"\\nX-ConditionMachineOf=%N-%n|"
                        + "peers: \"web@1-web@1.service\" peers: \"a.service\" peers: \"web@1.socket\"",
                "MachineOf=\"a\"  \"b\"|peers: \"a\" peers: \"\" peers: \"b\"",
                "MachineMetadata=disk=ssd\\nMachineMetadata=\"zone=eu\" \"disk=nvme\"|"
                        + "metadata { key: \"disk\" values: \"ssd\" values: \"nvme\" } metadata { key: \"zone\" values: \"eu\" }",
                "MachineMetadata=host=a role=b|",
                "MachineMetadata=a=b=c\\nMachineMetadata=a=\\nMachineMetadata==b\\nMachineMetadata=a|",
                "MachineMetadata=\"a=1\"\\t\"b=2\"|",
                "X-ConditionMachineMetadata=a=2\\nMachineMetadata=a=1|metadata { key: \"a\" values: \"2\" values: \"1\" }",
                "Conflicts=db*.service [a\\nX-Conflicts=old.*|conflicts: \"old.*\" conflicts: \"db*.service\" conflicts: \"[a\"",
                "Conflicts=a \\\\\\n b|conflicts: \"a\" conflicts: \"\\\\\" conflicts: \"b\"",
                "Conflicts=a\\\\\\n# no comment|conflicts: \"a\\\\\" conflicts: \"#\" conflicts: \"no\" conflicts: \"comment\"",
                "Replaces=a b\\nReplaces=%p*|replaces: \"a b\" replaces: \"web*\"",
                "Global=YES|global: true",
                "Global=true\\nGlobal=false|",
                "Global=no\\nGlobal=T|global: true",
                "Fence=1|fence: true",
                "X-Conflicts=[X-Fleet]\\nGlobal=on|global: true conflicts: \"[X-Fleet]\"",
                "Global=%i|global: true"
            })
    void saysWhatVersion01Read(String options, String facts) throws Exception {
        var text = "[Unit]\nGlobal=true\n\n[X-Fleet]\n"
                + options.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
                + "\n\n[Service]\nConflicts=x\n";
        assertThat(LegacyFacts.of("web@1.service", text))
                .isEqualTo(TextFormat.parse(facts == null ? "" : facts, UnitFacts.class));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "Global=true",
                "[X-Fleet]\n",
                "[Unit]\nDescription=[X-Fleet] \\\n[X-Fleet]\nGlobal=true\n",
                "[Unit]\nGlobal=true\n"
            })
    void aFileWithoutTheSectionAsksForNothing(String text) {
        assertThat(LegacyFacts.of("web.service", text)).isEqualTo(UnitFacts.getDefaultInstance());
    }

    /** A record with one of these was dropped by all engines, and is. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "[X-Fleet",
                "[X-Fleet] more\n",
                "[X-Fleet]\nGlobal\n",
                "[X-Fleet]\nGlobal\nFence=true\n",
                "[X-Fleet]\nUnknown=true\n",
            })
    void whatVersion01CouldNotReadIsRefused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> LegacyFacts.of("web.service", text));
        assertThat(LegacyFacts.agree("web.service", text, UnitFacts.getDefaultInstance()))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({"2047, true, true", "2048, true, false", "10, false, false"})
    void saysWhetherVersion01WouldReadTheSame(int length, boolean global, boolean agrees) {
        var text = "[Unit]\nDescription=" + "x".repeat(Math.max(0, length - 12)) + "\n\n[X-Fleet]\nGlobal=true\n";
        var facts = UnitFacts.newBuilder().setGlobal(global).build();
        assertThat(LegacyFacts.agree("web.service", text, facts)).isEqualTo(agrees);
    }
}
