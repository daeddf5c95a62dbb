/**
 * What happened in a campaign, as lines of JSON: every operation with its invocation and completion, every fault, every
 * leader, every start and stop of a unit. {@code docs/chaos.md} describes the file. Knows nothing of who writes it or
 * what it is checked for.
 */
@NullMarked
package io.raftfleet.chaos.history;

import org.jspecify.annotations.NullMarked;
