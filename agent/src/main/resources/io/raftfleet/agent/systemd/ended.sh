#!/bin/sh
# Runs when a fenced unit has ended; notes it if the fence was the reason, so that the agent starts the unit again once the
# lease is held again. systemd forgets such things of units that have ended.
# Arguments: the directory with the files "until" and "pid" of the lease, and the folder "stopped"; the unit's name.
mark="$1/stopped/$2"
if read -r pid <"$1/pid" && kill -0 "$pid" 2>/dev/null &&
    read -r end <"$1/until" && read -r uptime idle </proc/uptime &&
    [ "$end" -gt "${uptime%.*}${uptime#*.}" ]; then
    rm -f -- "$mark"
else
    : >"$mark"
fi
