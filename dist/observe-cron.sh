# What a host has for scheduled commands: the program, its daemon, and the lines of this environment.
# Needs facts.sh, own.sh and crontab.sh; `as` is what observe.sh has found out.
# shellcheck disable=SC2154,SC2086 # facts.sh; $as is empty or two words
look_at_cron() {
  fact cron looked
  of=$($as cat "$LW_HOME/cron.of" 2> /dev/null)
  [ -z "$of" ] || fact cron.of "$of"
  for noted in "$LW_HOME/releases/$($as cat "$LW_HOME/current" 2> /dev/null)"/job.*; do
    [ ! -e "$noted" ] || fact cron.noted "${noted##*/job.}"
  done
  if ! command -v crontab > /dev/null 2>&1; then
    fact cron missing
    return
  fi
  cron_runs || fact cron idle
  # Only root can use the lock of the host in any case.
  if [ -z "$as" ] && ! { { [ -f "$LW_ROOT/host.lock" ] && [ -r "$LW_ROOT/host.lock" ]; } || { [ ! -e "$LW_ROOT/host.lock" ] && writable "$LW_ROOT"; }; }; then
    fact cron unlocked
  fi
  me=$($as id -un)
  if ! said=$($as crontab -l 2>&1 > /dev/null < /dev/null); then
    case $said in
      *'no crontab for'* | *'No such file'*) ;;
      *) fact cron denied "$(printf '%s' "$said" | tr '\t\n' '  ')" ;;
    esac
  fi
  if [ "$of" = "$me" ]; then
    $as crontab -l 2> /dev/null < /dev/null
  elif [ -n "$of" ] && [ "$($as id -u)" = 0 ]; then
    $as crontab -u "$of" -l 2> /dev/null < /dev/null
  fi | cron_lines | sed "s/^/cron.line$tab/"
}

# A daemon of the host's own: one in a container has a number in a namespace below. Where an account does not even see
# the first process, it sees no daemon either, and nothing is said against the host.
cron_runs() {
  cat /proc/[0-9]*/status 2> /dev/null | awk '
    function ended() { if (is_cron && !is_below) found = 1 }
    $1 == "Name:" { ended(); is_cron = $2 ~ /^(cron|crond|fcron)$/; is_below = 0 }
    $1 == "NSpid:" { is_below = NF > 2 }
    END { ended(); exit !found }' && return
  [ -e /proc/1/status ] || return 0
  # Timers instead of a daemon.
  systemctl is-active --quiet cron.target 2> /dev/null
}
