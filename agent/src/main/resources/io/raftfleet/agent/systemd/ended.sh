#!/bin/sh
# Runs when a fenced unit has ended; notes it if the fence was the reason, so that the agent starts the unit again once the
# lease is held again. systemd forgets such things of units that have ended. The fence was not the reason if the lease is held,
# and was since the unit began: a lease that is held again has another process.
# Arguments: the directory with the files "until" and "pid" of the lease, and the folders "stopped" and "began"; the unit's name.
mark="$1/stopped/$2"
began="$1/began/$2"
held=
if read -r lease <"$1/pid" && kill -0 "${lease%% *}" 2>/dev/null &&
    read -r end <"$1/until" && read -r uptime idle </proc/uptime &&
    [ "$end" -gt "${uptime%.*}${uptime#*.}" ]; then
    held="$lease"
fi
if [ -n "$held" ] && { [ ! -e "$began" ] || { read -r lease <"$began" && [ "$lease" = "$held" ]; }; }; then
    rm -f -- "$mark" "$began"
else
    : >"$mark"
    rm -f -- "$began"
fi
