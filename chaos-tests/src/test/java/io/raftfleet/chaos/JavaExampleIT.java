package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.Certificates;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.ClientOptions;
import io.raftfleet.example.Deployment;
import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.EventKind;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The example of docs/java-client.md, while the leader dies. */
class JavaExampleIT {
    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.hollow();

    @Test
    void theExampleSurvivesALeader() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        var options = ClientOptions.of(
                        cluster.engines().stream().map(EngineNode::endpoint).toList())
                .withTls(cluster.certificates().map(Certificates::admin).orElse(null));
        try (var hello = new Deployment(options, "example.service");
                var events = hello.events()) {
            var first = hello.run("hello");
            var seen = new ArrayList<Event>(events.next(Ops.SOON));

            cluster.awaitLeader(Ops.SOON).kill();
            var changed = hello.run("good day");
            assertThat(changed.getHash()).isNotEqualTo(first.getHash());
            assertThat(changed.getActiveState()).isEqualTo("active");
            hello.remove();

            while (seen.stream().noneMatch(event -> event.getKind() == EventKind.EVENT_KIND_UNIT_DESTROYED)) {
                seen.addAll(events.next(Ops.SOON));
            }
            assertThat(seen)
                    .extracting(Event::getKind)
                    .containsSubsequence(
                            EventKind.EVENT_KIND_UNIT_SUBMITTED,
                            EventKind.EVENT_KIND_UNIT_SCHEDULED,
                            EventKind.EVENT_KIND_UNIT_UP,
                            EventKind.EVENT_KIND_UNIT_REPLACED,
                            EventKind.EVENT_KIND_UNIT_DESTROYED);
            assertThat(events.gap()).isFalse();
            assertThat(seen).extracting(Event::getRevision).doesNotHaveDuplicates();
        }
    }
}
