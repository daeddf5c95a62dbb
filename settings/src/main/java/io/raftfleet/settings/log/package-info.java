/** What the daemons' logs are written with. Named in their {@code logback.xml}. */
@NullMarked
package io.raftfleet.settings.log;

import org.jspecify.annotations.NullMarked;
