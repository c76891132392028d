# did ARGUMENTS…: has docker do something, unless something before it could not be done: that is the fact `failed`. What tasks
# that are just ending still use is tried again.
failed=''
did() {
  [ -z "$failed" ] || return 0
  tries=0
  until said=$(docker "$@" 2>&1 < /dev/null); do
    tries=$((tries + 1))
    case $said in *'in use'* | *'active endpoints'*) [ "$tries" -gt 40 ] || { sleep 1 && continue; } ;; esac
    failed=yes
    fact failed "$(printf '%s' "$said" | tail -n 3 | tr '\n' ' ')"
    return 0
  done
}
