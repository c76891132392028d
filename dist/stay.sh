# How the apply program finds out whether what nobody asks anything stays up: a worker that cannot load its application ends some
# seconds after it was started, when it looked well. Needs health.sh.

# stay SERVICE CONTAINER HEALTHY_CS UP_CS …: returns once each of them has been up for UP_CS since it was started, or, where it has a
# HEALTHCHECK, healthy for HEALTHY_CS from now on. All are looked at to the last moment: one that has come to its time may
# end while another has not.
stay() {
  stay_since=$(uptime_cs) counts=' ' young=' '
  while :; do
    rest=''
    stay_round "$@"
    [ -n "$rest" ] || return 0
    [ "$rest" -lt 50 ] || rest=50
    nap "$rest"
  done
}

stay_round() {
  while [ $# -gt 3 ]; do
    stays "$1" "$2" "$3" "$4"
    shift 4
  done
}

# Sets `rest` to what is missing until the next of them has its time; it stays empty when all have it.
stays() { # SERVICE CONTAINER HEALTHY_CS UP_CS
  # shellcheck disable=SC2034 # read by end_step
  step_started=$stay_since now=$(uptime_cs)
  if ! looked=$(look_at --type container --format '{{.State.Status}} {{.RestartCount}} {{.State.Pid}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' "$2"); then
    # An engine that does not answer for a while tells nothing.
    ! is_gone "$2" && [ $((now - stay_since)) -lt $((6000 + $4)) ] || fail healthy "$1" "$looked"
    rest=50
    return
  fi
  # shellcheck disable=SC2086 # words
  set -- "$@" $looked
  case "$5 $8" in
    'running unhealthy') fail healthy "$1" "the health check failed
$(evidence "$2")
$(inherited "$2")" ;;
    'running '*) ;;
    restarting*) fail healthy "$1" "it does not stay up: it ends, and the engine starts it again and again
$(evidence "$2")" ;;
    *) fail healthy "$1" "it did not stay up
$(evidence "$2")" ;;
  esac
  # One that ran before may have the engine start it again.
  case $counts in
    *" $2=$6 "*) ;;
    *" $2="*) fail healthy "$1" "it does not stay up: it ended, and the engine has started it again
$(evidence "$2")" ;;
    *) counts="$counts$2=$6 " ;;
  esac
  up=$((now - stay_since)) needs=$3
  if [ "$8" = none ]; then
    up=$(up_for "$7") needs=$4
    : "${up:=$((now - stay_since))}"
  fi
  if [ "$up" -lt "$needs" ]; then
    case $young in *" $2 "*) ;; *) young="$young$2 " && MS='' journal healthy start "$1" ;; esac
    [ -n "$rest" ] && [ "$rest" -lt $((needs - up)) ] || rest=$((needs - up))
  else
    case $young in *" $2 "*) ;; *) return ;; esac
    young="${young%%" $2 "*} ${young#*" $2 "}"
    MS=$((up * 10)) journal healthy 'done' "$1" "stayed $([ "$8" = none ] && echo 'up, without a check' || echo healthy)"
  fi
}

# up_for PID: in hundredths of a second. The program that looks is as old as its question, by the same clock.
up_for() {
  [ -r "/proc/$1/stat" ] || return 0
  awk '{ sub(/.*\) /, ""); at[NR] = $20 } END { if (NR == 2) print at[1] - at[2] }' /proc/self/stat "/proc/$1/stat" 2> /dev/null
}
