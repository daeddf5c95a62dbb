/** What faults are said to do. */
@NullMarked
package io.raftfleet.chaos.fault;

import org.jspecify.annotations.NullMarked;
