package io.raftfleet.engine.http;

/** What paths lead to. */
enum Resource {
    UNITS,
    UNIT,
    STATES,
    STATE,
    MACHINES,
    EVENTS,
    DISCOVERY,
    OPENAPI,
    TARGETS,
    API_ROOT,
    HEALTH,
    LIVE,
    METRICS,
    HOME,
    PAGE_FILE,
    PAGE_LOGIN,
    PAGE_ENGINE,
    PAGE_MACHINES,
    PAGE_MACHINE,
    PAGE_UNITS,
    PAGE_ROLLOUTS,
    PAGE_ROLLOUT,
    PAGE_CHANGES,
    PAGE_JOURNAL,
    NONE
}
