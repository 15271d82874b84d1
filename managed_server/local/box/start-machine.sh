#!/bin/bash
# Runs one machine until it is switched off: start-machine.sh CGROUP NETNS NAME [VOLUME DEVICE], in the machine's folder,
# with these in it: base and layer (below), written (over them, if it is there), upper, archives, hypervisor, root.
# VOLUME is a file, and DEVICE its name on the machine. Started by machine.py in a mount namespace of its own, so that no
# mount outlives it.
set -euo pipefail

main() { # read as a whole before it runs: the file may change while a machine is up
  local cgroup=$1 netns=$2 name=$3 volume=${4-} named=${5-} below=layer:base code device disk=()

  # The cache of trees lets go of old ones, but not of this one.
  exec 9>>"$(dirname "$(readlink --canonicalize base)").lock"
  flock --shared 9

  # The machine needs control groups of version 2, whatever the host has.
  umount -R /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 none /sys/fs/cgroup
  mkdir -p "/sys/fs/cgroup/$cgroup"
  echo $$ > "/sys/fs/cgroup/$cgroup/cgroup.procs"

  # Not synced at each write (volatile): a machine may be killed, and its files are then in the host's memory. The
  # work folder is new, as the last run's is marked.
  rm -rf work
  mkdir work
  [ ! -L written ] || below=written:$below
  mount -t overlay overlay -o "lowerdir=$below,upperdir=upper,workdir=work,volatile" root

  # nspawn's own notes about its machines, by their names: another session may have the same.
  mkdir -p /run/systemd/nspawn
  mount -t tmpfs -o mode=0755 tmpfs /run/systemd/nspawn

  if [ -n "$volume" ]; then
    device=$(losetup --find --show "$volume")
    exec 8<>"$device"
    # From now on it goes by itself when nobody has it open: this script, the machine, a mount. However they end.
    losetup --detach "$device"
    # By its own name and its number as well: so systemd looks for it.
    disk=(--bind="$device:$named" --bind="$device" --bind="$device:/dev/block/$((0x$(stat -c %t "$device")))\\:$((0x$(stat -c %T "$device")))")
  fi

  export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
  export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network # sysctl of its own network, as a machine has
  while :; do
    code=0
    # A boot begins without a firewall, though the namespace was there before.
    nsenter --net="/run/netns/$netns" nft flush ruleset
    # CAP_NET_ADMIN: nspawn leaves it out where the network namespace is given; that one is the machine's own.
    systemd-nspawn --directory=root --boot --register=no --keep-unit --machine="$name" \
      --network-namespace-path="/run/netns/$netns" --capability=CAP_NET_ADMIN \
      --resolv-conf=off --timezone=off --link-journal=no --console=pipe \
      --bind="$PWD/archives:/var/cache/apt/archives" --bind-ro="$PWD/hypervisor:/sys/hypervisor" \
      "${disk[@]}" || code=$?
    [ "$code" -eq 133 ] || exit "$code" # 133: it was rebooted from the inside
  done
}

main "$@"
exit
