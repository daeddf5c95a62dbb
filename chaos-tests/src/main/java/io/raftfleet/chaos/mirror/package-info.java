/** The mirror in etcd of clusters whose leaders come and go: whether it equals the registry, and who may write it. */
@NullMarked
package io.raftfleet.chaos.mirror;

import org.jspecify.annotations.NullMarked;
