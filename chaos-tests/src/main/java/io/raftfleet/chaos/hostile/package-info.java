/**
 * Clients, agents and strangers that speak the real protocols and lie, against a cluster that others use meanwhile. Attacks know
 * nothing of what is promised; {@link io.raftfleet.chaos.hostile.HostileCampaign} looks whether anybody else notices them.
 */
@NullMarked
package io.raftfleet.chaos.hostile;

import org.jspecify.annotations.NullMarked;
