/**
 * The engine's HTTP side: fleet's v1 API, health, metrics and a page for people, on TCP and on a unix socket.
 *
 * <p>{@link io.raftfleet.engine.http.HttpServers} moves bytes and knows nothing of fleet;
 * {@link io.raftfleet.engine.http.FleetHttp} answers calls and knows nothing of sockets.
 */
@NullMarked
package io.raftfleet.engine.http;

import org.jspecify.annotations.NullMarked;
