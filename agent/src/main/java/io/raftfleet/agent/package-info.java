/** The fleet-agent daemon. */
@NullMarked
package io.raftfleet.agent;

import org.jspecify.annotations.NullMarked;
