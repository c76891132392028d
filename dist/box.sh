# nginx in a container of this host. Needs no shell in there: what nginx says is asked by `docker exec`, what there is by
# way of /proc.

# box_master TOP: the first nginx at or below the first process of the container; an init, or a shell, may be above it.
box_master() {
  cat /proc/[0-9]*/stat 2> /dev/null | awk -v top="$1" '
    {
      pid = $1
      # The name may hold blanks.
      after = $0
      sub(/^.*\) /, "", after)
      split(after, at, " ")
      above[pid] = at[2]
      if ($2 == "(nginx)") named[pid] = 1
    }
    END {
      for (pid in named) {
        if (above[pid] in named) continue
        for (one = pid; one != top && one > 1; one = above[one]) { }
        if (one == top) { print pid; exit }
      }
    }'
}
