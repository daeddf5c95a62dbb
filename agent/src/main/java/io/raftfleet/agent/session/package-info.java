/**
 * The session between a machine and the leading engine: finding the leader, one control stream to it, reports kept until
 * they are committed, contents and logs on streams of their own. The contract is {@code raftfleet/agent/agent.proto}.
 */
@NullMarked
package io.raftfleet.agent.session;

import org.jspecify.annotations.NullMarked;
