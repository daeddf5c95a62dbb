#!/bin/sh
# Runs when the lease has ended. systemd is stopping the fenced units, but lets units that are ordered after them stop first,
# which may take longer than the fence allows: this makes it not wait for those.
# Arguments: the directory in which systemd finds the units.
[ "${SERVICE_RESULT:-}" != success ] || exit 0
cd "$1" || exit 1
set --
for link in *.d/90-raftfleet-fence.conf; do
    [ -e "$link" ] && set -- "$@" "${link%.d/*}"
done
[ $# -eq 0 ] || exec systemctl ${MANAGERPID:+--user} --no-block --job-mode=ignore-dependencies stop -- "$@"
