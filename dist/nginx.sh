# What the apply program does to nginx: the switch from one slot to the other, the proof that the new one answers, and
# the wait for the last request to the old one. site.sh has the servers.
#
# At each request nginx looks for the file slot.b: while it is there, slot b serves, else slot a. So a switch is one
# rename, and nginx is reloaded only when a server itself changes (tools/nginx.ts has the text of the servers).
#
#   slot.a or slot.b            which slot serves
#   ports                       SERVICE PORT-OF-A PORT-OF-B; a line stays, since kept containers are bound to its ports
#   maintenance                 while it is there, visitors get a page instead (maintenance.ts)
#   releases/<id>/site.*        what nginx read before this release
switched=''

short_sleep() {
  nap 5
}

# take_ports SERVICE PORT-OF-A PORT-OF-B: chosen when the host was looked at; somebody may have been faster since.
take_ports() {
  grep -Fqx -- "$1 $2 $3" "$LW_HOME/ports" 2> /dev/null && return
  start_step lock "$1"
  # shellcheck disable=SC2154 # host-lock.sh
  hold_host || fail lock "$1" "$said"
  taken=$(awk -v own="$LW_HOME/ports" -v service="$1" -v a="$2" -v b="$3" '
    FILENAME == own && $1 "" == service { next }
    $2 == a || $3 == a || $2 == b || $3 == b { print FILENAME; exit }' "$LW_ROOT"/*/*/ports 2> /dev/null)
  [ -z "$taken" ] || fail lock "$1" "the ports $2 and $3 were taken in between ($taken). Run it again: it will take others."
  put "$LW_HOME/ports" "$(grep -v "^$1 " "$LW_HOME/ports" 2> /dev/null
    echo "$1 $2 $3")" || fail lock "$1" "$(no_room)"
  let_host
  end_step lock 'done' "$1" "ports $2 and $3"
}

# turn SLOT: one rename, which needs no room on the disk.
turn() {
  case $1 in
    a) [ ! -e "$LW_HOME/slot.b" ] || mv -f "$LW_HOME/slot.b" "$LW_HOME/slot.a" ;;
    b)
      [ ! -e "$LW_HOME/slot.b" ] || return 0
      [ -e "$LW_HOME/slot.a" ] || can_open "$LW_HOME/slot.a" || return
      mv -f "$LW_HOME/slot.a" "$LW_HOME/slot.b"
      ;;
  esac
}

switch() { # SLOT
  was=a
  [ ! -e "$LW_HOME/slot.b" ] || was=b
  start_step switch
  will_undo switch "$was" switch ''
  switched=$(uptime_cs)
  turn "$1" || fail switch '' "$(no_room)"
  end_step switch 'done' '' "slot $1"
}

# asked URL RESOLVE SLOT: the status of nginx's answer, and the address of the container that gave it. Without a slot it
# is asked as everybody asks, but let in during maintenance. The certificate is taken as it is: what is asked here is
# who answers.
asked() {
  through_nginx "$@" --dump-header - --output /dev/null | awk '
      { sub(/\r$/, "") }
      /^HTTP\// { status = $2; from = "" }
      tolower($1) == "launchway-upstream:" { from = substr($0, length($1) + 2) }
      END { print status, from }'
}

# shellcheck disable=SC2154 # health.sh: $slowest
through_nginx() ( # URL RESOLVE SLOT [ARGUMENT…]
  url=$1 resolve=$2 slot=${3:-live}
  shift 3
  exec 8>&- 9>&- && exec curl -q --globoff --noproxy '*' --silent --insecure --max-time "$slowest" --resolve "$resolve" \
    --header "Launchway-Slot: $slot" "$@" "$url" 2> /dev/null
)

# guarded STATUS: what an answer says that no container gave.
guarded() {
  case $1 in
    401 | 403) echo "nginx itself answered $1: if launchway.d has a guard for this server (auth_basic, allow and deny), let the deploy in, which asks from the loopback: satisfy any; allow 127.0.0.1;" ;;
    400) echo "nginx itself answered $1: if launchway.d asks visitors for a certificate (ssl_verify_client on), let the deploy in, which asks from the loopback and has none: ssl_verify_client optional; and a rule for everybody but 127.0.0.1 (docs/guide/nginx.md)" ;;
  esac
}

# unheard FROM ADDRESS SECONDS [asked]: what it says that nginx went on to the other slot, which it does where nobody takes a connection.
unheard() {
  [ "$3" -gt 0 ] || return 0
  longer=''
  [ -z "${4:-}" ] || longer='. One that takes longer to start says so: health: { path: /healthz, timeout: 3m }; the deploy then waits until that page answers'
  case $1 in "$2, "*) echo "the new container took no connection for $3 s: \`port\` is where it listens, on all its addresses$longer" ;; esac
}

# through SERVICE CONTAINER SLOT ADDRESS URL RESOLVE [STATUS [LIMIT_CS]]: proves that nginx leads to this container, and that it
# is well there: before the switch with the slot's name, afterwards (SLOT empty) as everybody asks. LIMIT_CS of one that nobody has
# asked before: how long it may take until it answers, where that is more than the ten seconds of the others.
through() {
  start_step probe "$1"
  # shellcheck disable=SC2034 # read by end_step
  [ -n "$3" ] || [ -z "$switched" ] || step_started=$switched
  limit=1000
  [ "${8:-0}" -le 1000 ] || limit=$8
  prove probe "$limit" "$@"
  end_step probe 'done' "$1" "$5 $status${3:+, before the switch}"
}

# linger SERVICE CONTAINER ADDRESS URL RESOLVE [STATUS]: half a second in which visitors are with the new version and the
# old one still runs. nginx falls back to it, so a version that they bring down costs few of them a request.
linger() {
  start_step linger "$1"
  rest=$((switched + 50 - $(uptime_cs)))
  [ "$rest" -le 0 ] || nap "$rest"
  prove linger 200 "$1" "$2" '' "$3" "$4" "$5" "${6:-}"
  end_step linger 'done' "$1" "$4 $status"
}

prove() { # STEP LIMIT_CS and what `through` is given
  proving=$(uptime_cs) pause=5
  while :; do
    answer=$(asked "$7" "$8" "$5")
    status=${answer%% *} from=${answer#* }
    if [ "$from" = "$6" ]; then
      # Behind nginx an application may know that it is asked over HTTPS, and answer otherwise than it does directly.
      case $status in 2??) return ;; esac
      case ${9:-} in
        any) case $status in [1-4]??) return ;; esac ;;
        ?*) [ "$status" != "$9" ] || return ;;
      esac
    fi
    limit=$2
    # What nginx refuses by itself it goes on to refuse.
    [ -n "$from" ] || [ -z "$(guarded "$status")" ] || [ "$limit" -le 300 ] || limit=300
    # One that has ended will not answer any more.
    if [ $(($(uptime_cs) - proving)) -ge "$limit" ] || [ "$(docker inspect --format '{{.State.Running}}' "$4" 2> /dev/null)" = false ]; then
      fail "$1" "$3" "asked through nginx, $7 answered ${status:-nothing} from ${from:-another server of nginx, or something before it} (the new container is $6)
$([ -n "$from" ] || guarded "$status")
$([ "$1" != probe ] || unheard "$from" "$6" $((($(uptime_cs) - proving) / 100)) "${10:-}")
$([ -z "$status" ] || through_nginx "$7" "$8" "$5" | page_words)
$(evidence "$4")"
    fi
    # Often at first: who asks in vain for seconds needs the machine for something else.
    nap "$pause"
    [ "$pause" -ge 40 ] || pause=$((pause * 2))
  done
}

# ---- the last requests

# is_used PORT: a connection of nginx's to the loopback port is established. It is seen from either end: as nginx's
# own where the kernel translates the address, as docker's where docker-proxy listens.
is_used() {
  cat /proc/net/tcp | awk -v at="0100007F:$(printf '%04X' "$1")" '$4 == "01" && ($2 == at || $3 == at) { found = 1 } END { exit !found }'
}

# wait_idle PORT LIMIT_CS SWITCHED: until nothing uses the port, looked at twice, and at least half a second after the
# switch away from it. Looked at often at first: most requests end soon.
wait_idle() {
  began=$(uptime_cs) idle=0 idle_pause=2
  while :; do
    if is_used "$1"; then idle=0; else idle=$((idle + 1)); fi
    now=$(uptime_cs)
    if [ $((now - $3)) -ge 50 ]; then
      [ "$idle" -lt 2 ] || return 0
      [ $((now - began)) -lt "$2" ] || return 1
    fi
    nap "$idle_pause"
    [ "$idle_pause" -ge 10 ] || idle_pause=$((idle_pause * 2))
  done
}

drain() { # SERVICE PORT SECONDS
  start_step drain "$1"
  if wait_idle "$2" "$(($3 * 100))" "${switched:-$(uptime_cs)}"; then
    end_step drain 'done' "$1"
  else
    end_step drain 'done' "$1" "requests are still under way after $3 s"
  fi
}

# Undo: nothing here may end the program.

turn_back() { # SLOT
  turn "$1" || return
  case $1 in a) column=3 ;; *) column=2 ;; esac
  switched=$(uptime_cs)
  awk -v column="$column" '{ print $column }' "$LW_HOME/ports" 2> /dev/null | while read -r port; do wait_idle "$port" 1000 "$switched"; done
  return 0
}
