/** What a daemon and the systemd that runs it as a service tell each other. */
@NullMarked
package io.raftfleet.settings.service;

import org.jspecify.annotations.NullMarked;
