# Keeps everybody from deploying, or lets them again: a file in the state, apart from the lock of a program at work.
# A deploy looks for it before it begins, and once more on the host, under its lock (state.sh).
# Set by the client: LW_HOME LW_BY LW_REASON
one_line() {
  printf '%s' "$1" | tr '\t\n\r' '   '
}

# What is there already is never written over: of two who lock at once, one is told of the other.
hold() {
  # The folder may be new, and workers of nginx pass through it.
  (umask 022 && mkdir -p "$LW_HOME")
  if (
    set -C
    umask 022
    printf '%s\t%s\t%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(one_line "$LW_BY")" "$(one_line "$LW_REASON")" > "$LW_HOME/held"
  ) 2> /dev/null; then
    fact did yes
  elif [ ! -e "$LW_HOME/held" ]; then
    fact said "cannot write in $LW_HOME"
  fi
  [ ! -e "$LW_HOME/held" ] || fact held "$(cat "$LW_HOME/held")"
}

lift() {
  [ -e "$LW_HOME/held" ] || return 0
  fact held "$(cat "$LW_HOME/held")"
  if said=$(rm -f "$LW_HOME/held" 2>&1); then fact did yes; else fact said "$said"; fi
}
