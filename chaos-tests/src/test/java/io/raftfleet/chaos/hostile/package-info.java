@NullMarked
package io.raftfleet.chaos.hostile;

import org.jspecify.annotations.NullMarked;
