package io.raftfleet.agent.session;

import io.raftfleet.agent.manager.LogSource;

/**
 * What a machine has to do with its sessions, whichever it has. All of it belongs to the machine's loop, but for the logs.
 *
 * @param handler takes orders, and says what there is
 * @param reports states that the registry has yet to hear
 * @param logs what readers may ask for
 */
public record MachineSide(SessionHandler handler, ReportQueue reports, LogSource logs) {}
