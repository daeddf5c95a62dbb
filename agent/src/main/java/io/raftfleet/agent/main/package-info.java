/** The daemon: configuration, what a process and each of its machines consist of, start and end. */
@NullMarked
package io.raftfleet.agent.main;

import org.jspecify.annotations.NullMarked;
