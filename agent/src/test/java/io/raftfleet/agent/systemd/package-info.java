@NullMarked
package io.raftfleet.agent.systemd;

import org.jspecify.annotations.NullMarked;
