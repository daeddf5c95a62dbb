@NullMarked
package io.raftfleet.chaos.cluster;

import org.jspecify.annotations.NullMarked;
