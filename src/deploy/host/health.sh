# How the apply program finds out whether a container is well, and what it shows when it is not.

# evidence CONTAINER: why it ended, and its last lines.
evidence() {
  docker inspect --format 'state {{.State.Status}}{{if not .State.Running}}, exit code {{.State.ExitCode}}{{end}}{{if .State.OOMKilled}}, out of memory{{end}}{{if .State.Error}}, {{.State.Error}}{{end}}' "$1" 2>&1
  docker inspect --format '{{if .State.Health}}{{range .State.Health.Log}}health check (exit {{.ExitCode}}): {{println .Output}}{{end}}{{end}}' "$1" 2> /dev/null \
    | sed '/^$/d' | tail -n 5
  docker logs --tail 40 "$1" 2>&1 | tail -c 6000
}

# probe URL HOST-HEADER PROTO [SECONDS]: prints the status of the first answer, and where it leads if it is a redirect; nothing
# when there is none. A redirect is not followed: a page for logging in is no health. PROTO is what nginx will
# tell the application that it was asked by (curl alone says it: behind nginx there is one). The host's own settings for
# curl, and its proxies, are for the world outside.
probe() (
  exec 9>&-
  if command -v curl > /dev/null 2>&1; then
    curl -q --noproxy '*' --silent --output /dev/null --max-time "${4:-5}" --write-out '%{http_code} %{redirect_url}' ${2:+--header "Host: $2"} ${3:+--header "X-Forwarded-Proto: $3"} "$1" 2> /dev/null \
      | sed -e 's/^000.*//' -e 's/ $//'
  else
    unset http_proxy HTTP_PROXY
    # GNU wget tries 20 times by itself. That of busybox knows one try only, and 1.35 dies of -T.
    case $(wget --version 2>&1) in
      GNU*) wget="wget -t 1 -T ${4:-5}" ;;
      *) wget="$(command -v timeout > /dev/null && echo "timeout ${4:-5}") wget" ;;
    esac
    # shellcheck disable=SC2086 # words
    $wget -S -q -O /dev/null ${2:+--header "Host: $2"} ${3:+--header "X-Forwarded-Proto: $3"} "$1" 2>&1 \
      | awk '
          match($0, /HTTP\/[0-9.]+ [0-9][0-9][0-9]/) { if (status) exit; status = substr($0, RSTART + RLENGTH - 3, 3) }
          status && !where && tolower($1) == "location:" { sub(/\r$/, ""); where = " " $2 }
          END { printf "%s%s", status, where }'
  fi
)

# ask_page URL HOST-HEADER PROTO: sets `answer`, and `heard` to the words for it. A page may take its time: who has said nothing in five
# seconds is given half of what is left until the deadline, and then all of it. Not at once: a connection that an application took while it
# started may never be answered.
patience=5 slow=0
ask_page() {
  began=$(uptime_cs)
  left=$(((deadline - began) / 100))
  may=$patience
  [ "$may" -le "$left" ] || may=$left
  [ "$may" -ge 5 ] || may=5
  answer=$(probe "$@" "$may")
  took=$(($(uptime_cs) - began)) heard="$1 answered ${answer:-nothing}"
  if [ -n "$answer" ]; then
    # nginx.sh asks the same page.
    [ "$took" -le $((slow * 100)) ] || slow=$((took / 100 + 1))
  elif [ "$took" -ge $((may * 100 - 20)) ]; then
    heard="$1 gave no answer within $may s"
    patience=$((patience * 2))
    [ "$patience" -ge $((left / 2)) ] || patience=$((left / 2))
  fi
}

is_well() { # STATUS WANTED
  case $1 in
    '') return 1 ;;
    "$2") return 0 ;;
    2??) [ -z "$2" ] ;;
    *) return 1 ;;
  esac
}

# What to do about an `answer` that sends the asker elsewhere, often to a login.
led_away() {
  case $answer in
    3*' '*) echo ': it leads elsewhere, and a page to log in at is no health. Name a page that answers by itself, or the status that you expect' ;;
  esac
}

# Whose check does not say that it is well, where nothing outside is led to the container: a worker often has the image of the web, and
# with it a HEALTHCHECK that asks the web.
inherited() { # CONTAINER
  checked=$(docker inspect --format '{{json .Config.Healthcheck}}' "$1" 2> /dev/null)
  case $checked in '' | null) return ;; esac
  case $(docker inspect --format '{{json .HostConfig.PortBindings}}' "$1" 2> /dev/null) in '{}' | null) ;; *) return ;; esac
  [ "$(docker image inspect --format '{{json .Config.Healthcheck}}' "$(docker inspect --format '{{.Image}}' "$1" 2> /dev/null)" 2> /dev/null)" = "$checked" ] || return
  printf '%s\n' "What asks is the HEALTHCHECK of its image: $(docker inspect --format '{{join .Config.Healthcheck.Test " "}}' "$1" 2> /dev/null)
If that asks for what this service does not do: health: none, or a command of its own: health: { command: [...] }"
}

# What to set where the engine has no answer yet.
still_starting() { # CONTAINER SECONDS
  [ "$state" = 'running starting' ] || return 0
  docker inspect --format '{{json .Config.Healthcheck}}' "$1" 2> /dev/null | awk -v limit="$2" '
    function seconds(name, usual) {
      if (!match($0, "\"" name "\":[0-9]+")) return usual
      found = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
      return name == "Retries" ? found + 0 : found / 1000000000
    }
    {
      interval = seconds("Interval", 30); timeout = seconds("Timeout", 30); period = seconds("StartPeriod", 0); tries = seconds("Retries", 3)
      longest = period + tries * (interval + timeout)
      if (longest > int(longest)) longest = int(longest) + 1
      printf "Its HEALTHCHECK has not come to an answer: it is asked every %s s (start period %s s, timeout %s s, retries %s), and the deploy waits for %s s. ", interval, period, timeout, tries, limit
      printf "Have it wait longer, health: { timeout: %ss }, or ask more often: options: [\"--health-interval=5s\"]; in a compose file healthcheck: { interval: 5s }\n", longest
    }'
}

# watch SERVICE CONTAINER KIND TIMEOUT_CS SETTLE_CS INTERVAL_CS[/RETRIES] [URL [STATUS [HOST [PROTO]]]]: returns once the
# container has been well for the settle time; fails at once when it ends. KIND exec has a command instead of the URL.
# It is looked at often at first, for who is up soon need not wait, and then at the interval. So many RETRIES are enough, one
# an interval.
watch() {
  start_step healthy "$1"
  deadline=$(($(uptime_cs) + $4)) well_since='' answer='' bounded='' pause=5 patience=5 heard=''
  every=${6%/*} tried=0 counted=$(uptime_cs) tries=''
  case $6 in */*) tries=${6#*/} ;; esac
  # A command that hangs must not hang the deploy: the host ends it, where it has a program for that.
  [ "$3" != exec ] || ! timeout 5 sh -c : 2> /dev/null || bounded='timeout 20'
  while :; do
    asked_at=$(uptime_cs)
    if ! state=$(look_at --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' "$2") && ! is_gone "$2"; then
      # An engine that is being restarted tells nothing of the container, and its time is not the container's.
      await_engine || fail healthy "$1" "the engine does not answer: $state"
      deadline=$((deadline + $(uptime_cs) - asked_at)) state='running unseen'
    fi
    case $state in
      'running unhealthy') fail healthy "$1" "the health check failed
$(evidence "$2")
$(inherited "$2")" ;;
      'running '*) ;;
      *) fail healthy "$1" "the container ended
$(evidence "$2")" ;;
    esac
    well=''
    if [ "$3" = http ]; then
      ask_page "$7" "${9:-}" "${10:-}"
      ! is_well "${answer%% *}" "${8:-}" || well=yes
    elif [ "$3" = exec ]; then
      if answer=$(in_container "$@"); then well=yes; fi
    else
      case $state in *' none' | *' healthy') well=yes ;; esac
    fi
    now=$(uptime_cs)
    if [ -z "$well" ]; then
      well_since=''
      [ $((now - counted)) -lt "$every" ] || counted=$now tried=$((tried + 1))
      [ -z "$tries" ] || [ "$tried" -lt "$tries" ] || fail healthy "$1" "$tried probes failed one after the other; ${heard:-$7 answered ${answer:-nothing}}$(led_away)
$(evidence "$2")"
    else
      : "${well_since:=$now}"
      counted=$now tried=0
    fi
    [ -z "$well_since" ] || [ $((now - well_since)) -lt "$5" ] || break
    if [ "$now" -ge "$deadline" ]; then
      fail healthy "$1" "not healthy after $(($4 / 100)) s${7:+; ${heard:-$7 answered ${answer:-nothing}}}$(led_away)
$(still_starting "$2" "$(($4 / 100))")
$(evidence "$2")
$([ "$state" != 'running starting' ] || inherited "$2")"
    fi
    [ "$pause" -lt "$every" ] || pause=$every
    rest=$pause
    [ -z "$well_since" ] || [ $((well_since + $5 - now)) -gt "$rest" ] || rest=$((well_since + $5 - now))
    nap "$rest"
    pause=$((pause * 2))
  done
  [ "$state" != 'running none' ] || state='running, without a check'
  end_step healthy 'done' "$1" "${7:-container} ${answer:-$state}"
}

in_container() { # what `watch` was given
  container=$2
  shift 6
  # shellcheck disable=SC2086 # words
  said=$(exec 9>&- && exec $bounded docker exec "$container" "$@" 2>&1)
  code=$?
  printf '%s\n' "$said" | tail -n 1
  return "$code"
}
