#!/bin/bash
# Kills all processes of a control group and of those below it, and removes them: end-processes.sh CGROUP
# Run in a mount namespace of its own. Exit code 1: something is still there after a minute: a process
# that holds a machine's files or its volume ends when they are written, which takes a while on a busy disk.
set -uo pipefail
umount -R /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 none /sys/fs/cgroup || exit 2
group=/sys/fs/cgroup/$1
for _ in {1..1200}; do
  [ -d "$group" ] || exit 0
  echo 1 > "$group/cgroup.kill"
  find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
  sleep 0.05
done
exit 1
