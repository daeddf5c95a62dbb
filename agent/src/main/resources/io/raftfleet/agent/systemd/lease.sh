#!/bin/sh
# Runs while this machine holds its lease from the cluster; systemd stops the fenced units when this ends. Sleeps until the
# moment at which the lease would be over, and looks then whether it was renewed. Should this process be unable to tell, the
# watchdog's time runs out a little later.
# Arguments: the directory with the file "until", in hundredths of a second of /proc/uptime; the watchdog's slack in µs.
set -u
read -r uptime idle </proc/uptime && echo "$$ $uptime" >"$1/pid"
while read -r end <"$1/until" && read -r uptime idle </proc/uptime; do
    left=$((end - ${uptime%.*}${uptime#*.}))
    [ "$left" -gt 0 ] || break
    systemd-notify --ready WATCHDOG=1 "WATCHDOG_USEC=$((left * 10000 + $2))" || break
    sleep "$((left / 100)).$(printf %02d $((left % 100)))"
done
exit 1
