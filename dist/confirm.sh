# A release that waits for a confirmation: a line in the file `waits`, which counts while its release is the current one.
#
#   waits                       RELEASE SINCE UNTIL WHO: seconds since the epoch; UNTIL is - where only a person ends it

# await SECONDS: (0: until somebody has spoken.) Written before the record, and in force with it.
await() {
  since=$(date +%s) until=-
  [ "$1" = 0 ] || until=$((since + $1))
  put "$LW_HOME/waits" "$LW_RELEASE $since $until $LW_BY" && return
  start_step confirm
  fail confirm '' "$(no_room)"
}

# The current release no longer waits.
confirm() {
  start_step confirm
  said=$(rm -f "$LW_HOME/waits" 2>&1) || fail confirm '' "$said"
  end_step confirm 'done' '' "by $LW_BY"
}

# What another release waited for is over.
forget_wait() {
  { read -r waiting _ < "$LW_HOME/waits"; } 2> /dev/null || return 0
  [ "$waiting" = "$(cat "$LW_HOME/current" 2> /dev/null)" ] || rm -f "$LW_HOME/waits"
}

# forced WHY: what a person has overruled.
forced() {
  start_step forced
  end_step forced 'done' '' "by $LW_BY, although $1"
}
