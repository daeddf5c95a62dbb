/**
 * Units on a real systemd, over D-Bus: {@link io.raftfleet.agent.systemd.SystemdUnitManager} and what it is made of.
 *
 * <p>From the bottom up: {@code BusLink} is one connection, {@code Systemd} the calls made over it, {@code UnitStore} the
 * files, {@code StateTable} what is known of units, {@code Orders} the jobs under way. The manager ties them together and
 * survives the loss of the connection.
 */
@NullMarked
package io.raftfleet.agent.systemd;

import org.jspecify.annotations.NullMarked;
