#!/bin/sh
# Runs before a fenced unit's own commands: it is no longer one that the fence stopped, and under which lease it began is noted
# for its end.
# Arguments: the directory with the file "pid" of the lease, and the folders "stopped" and "began"; the unit's name.
mark="$1/stopped/$2"
[ ! -e "$mark" ] || rm -f -- "$mark"
read -r lease <"$1/pid" && printf '%s\n' "$lease" >"$1/began/$2"
exit 0
