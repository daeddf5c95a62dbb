/**
 * The command-line client: fleet's commands, flags, columns and exit codes over gRPC. Behaviour comes from fleetctl 1.0; where ours
 * differs, the command's comment says so.
 */
@NullMarked
package io.raftfleet.fleetctl;

import org.jspecify.annotations.NullMarked;
