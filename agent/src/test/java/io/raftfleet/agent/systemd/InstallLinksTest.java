package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.unit.UnitFile;
import java.util.List;
import org.junit.jupiter.api.Test;

class InstallLinksTest {
    @Test
    void aUnitWithoutAnInstallSectionHasNone() throws Exception {
        assertThat(links("web.service", "[Service]\nExecStart=/bin/true\n")).isEmpty();
    }

    @Test
    void dependenciesAndAliases() throws Exception {
        assertThat(links("web.service", """
                        [Install]
                        WantedBy=multi-user.target 'late.target'
                        WantedBy=more.target
                        RequiredBy=base.target
                        UpheldBy=keeper.service
                        Alias=www.service other.service
                        Also=db.service
                        """))
                .containsExactlyInAnyOrder(
                        "multi-user.target.wants/web.service",
                        "late.target.wants/web.service",
                        "more.target.wants/web.service",
                        "base.target.requires/web.service",
                        "keeper.service.upholds/web.service",
                        "www.service",
                        "other.service");
    }

    @Test
    void anEmptyAssignmentTakesBackThoseBefore() throws Exception {
        assertThat(links("web.service", "[Install]\nWantedBy=a.target\nWantedBy=\nWantedBy=b.target\n"))
                .containsExactly("b.target.wants/web.service");
    }

    @Test
    void specifiersOfTheNameAreFilledIn() throws Exception {
        assertThat(links("my-app@1.service", "[Install]\nAlias=%p-%i.service\nWantedBy=%j.target %N.target c-%n\n"))
                .containsExactlyInAnyOrder(
                        "my-app-1.service",
                        "app.target.wants/my-app@1.service",
                        "my-app@1.target.wants/my-app@1.service",
                        "c-my-app@1.service.wants/my-app@1.service");
    }

    @Test
    void whatIsNoUnitNameIsLeftOut() throws Exception {
        assertThat(links("web.service", """
                        [Install]
                        WantedBy=../../etc/x.target /abs.target none %H.target trailing.target%
                        Alias=web.service web.socket ../evil.service
                        """)).isEmpty();
    }

    private static List<String> links(String unit, String text) throws Exception {
        return InstallLinks.of(unit, UnitFile.parse(text)).stream()
                .map(InstallLinks.Link::path)
                .toList();
    }
}
