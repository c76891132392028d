# What the applications of a host share: nginx, ports, crontabs.
# Needs state.sh.
host_held=''

# One change of nginx, of ports and of crontabs on this host at a time. Calls of one program share the lock. Why it
# could not be had is in `said`.
hold_host() {
  [ -z "$host_held" ] || return 0
  said="cannot write $LW_ROOT/host.lock"
  # Root may have made it: whoever may read a file may lock it.
  if can_open "$LW_ROOT/host.lock"; then
    exec 8>> "$LW_ROOT/host.lock"
  elif [ -f "$LW_ROOT/host.lock" ] && [ -r "$LW_ROOT/host.lock" ]; then
    exec 8< "$LW_ROOT/host.lock"
  else
    return 1
  fi
  # shellcheck disable=SC2034 # for whoever asked
  said="another deploy has held $LW_ROOT/host.lock for a minute"
  asked_at=$(uptime_cs)
  until flock -n 8; do
    [ $(($(uptime_cs) - asked_at)) -lt 6000 ] || return
    nap 10
  done
  host_held=yes
}

# For all who have it open: what is undone is undone in a shell beside the program (undo_lines), which may have taken the lock.
let_host() {
  [ -z "$host_held" ] || flock -u 8
  exec 8>&-
  host_held=''
}
