# How the apply program finds out whether a container is well, and what it shows when it is not.

# Seconds that one answer may take; more where an application is seen to need them (`watch`), and the most that one of them has
# needed.
patience=5 slowest=5

# evidence CONTAINER: why it ended, its last lines, and where more of them are: the container goes, and its log with it.
evidence() {
  docker inspect --format 'state {{.State.Status}}{{if not .State.Running}}, exit code {{.State.ExitCode}}{{end}}{{if .State.OOMKilled}}, out of memory{{end}}{{if .State.Error}}, {{.State.Error}}{{end}}' "$1" 2>&1
  docker inspect --format '{{if .State.Health}}{{range .State.Health.Log}}health check (exit {{.ExitCode}}): {{println .Output}}{{end}}{{end}}' "$1" 2> /dev/null \
    | sed '/^$/d' | tail -n 5
  words="$LW_DIR/$1.log"
  (umask 077 && docker logs --tail 10000 "$1" 2>&1 | tail -c 1000000 > "$words") 2> /dev/null
  case $(awk '{ bytes += length($0) + 1 } END { print (NR > 40 || bytes > 6000) ? NR : "few" }' "$words" 2> /dev/null) in
    few | '')
      # Nothing more than is shown, or no room for it.
      rm -f "$words"
      docker logs --tail 40 "$1" 2>&1 | tail -c 6000
      ;;
    *)
      echo "its last lines; more of them are kept on the host, until a deploy goes through: $words"
      tail -n 40 "$words" | tail -c 6000
      ;;
  esac
}

# probe URL HOST-HEADER PROTO: prints the status of the first answer, and where it leads if it is a redirect; nothing
# when there is none. A redirect is not followed: a page for logging in is no health. PROTO is what nginx will
# tell the application that it was asked by (curl alone says it: behind nginx there is one). The host's own settings for
# curl, and its proxies, are for the world outside.
probe() (
  exec 9>&-
  if command -v curl > /dev/null 2>&1; then
    curl -q --globoff --noproxy '*' --silent --output /dev/null --max-time "$patience" --write-out '%{http_code} %{redirect_url}' ${2:+--header "Host: $2"} ${3:+--header "X-Forwarded-Proto: $3"} "$1" 2> /dev/null \
      | sed -e 's/^000.*//' -e 's/ $//'
  else
    # shellcheck disable=SC2046 # words
    unset http_proxy HTTP_PROXY && $(wget_words) -S -q -O /dev/null ${2:+--header "Host: $2"} ${3:+--header "X-Forwarded-Proto: $3"} "$1" 2>&1 \
      | awk '
          match($0, /HTTP\/[0-9.]+ [0-9][0-9][0-9]/) { if (status) exit; status = substr($0, RSTART + RLENGTH - 3, 3) }
          status && !where && tolower($1) == "location:" { sub(/\r$/, ""); where = " " $2 }
          END { printf "%s%s", status, where }'
  fi
)

# GNU wget tries 20 times by itself, and counts its time anew with each piece of a page that never ends. That of busybox
# knows one try only, and 1.35 dies of -T.
wget_words() {
  ! command -v timeout > /dev/null || echo timeout "$patience"
  case $(wget --version 2>&1) in GNU*) echo wget -t 1 -T "$patience" ;; *) echo wget ;; esac
}

# page URL HOST-HEADER PROTO: what the answer says besides its status. It is asked for while the container is there.
page() (
  exec 9>&-
  if command -v curl > /dev/null 2>&1; then
    curl -q --globoff --noproxy '*' --silent --max-time "$patience" ${2:+--header "Host: $2"} ${3:+--header "X-Forwarded-Proto: $3"} "$1" 2> /dev/null
  else
    # busybox shows no page with a status that is none of success.
    # shellcheck disable=SC2046 # words
    unset http_proxy HTTP_PROXY && $(wget_words) -q --content-on-error -O - ${2:+--header "Host: $2"} ${3:+--header "X-Forwarded-Proto: $3"} "$1" 2> /dev/null
  fi | page_words
)

# The beginning of a page, of HTML its text.
page_words() {
  dd bs=1 count=20000 2> /dev/null | awk '
    { text = text $0 "\n" }
    END {
      if (tolower(substr(text, 1, 200)) ~ /<!doctype html|<html/) {
        gsub(/<(style|script)[^>]*>[^<]*(<\/(style|script)>)?/, "", text)
        gsub(/<[^>]*>/, " ", text)
        gsub(/[ \t\r]+/, " ", text)
        gsub(/\n[ \n]*\n/, "\n", text)
      }
      sub(/^[ \n]+/, "", text)
      sub(/[ \n]+$/, "", text)
      if (text != "") print "its page: " substr(text, 1, 1500) (length(text) > 1500 ? "…" : "")
    }'
}

is_well() { # STATUS WANTED
  case $1 in
    '') return 1 ;;
    "$2") return 0 ;;
    2??) [ -z "$2" ] ;;
    *) return 1 ;;
  esac
}

# answered KIND [URL [STATUS [HOST [PROTO]]]]: what there is to say of the last `answer`: how long nobody gave one, what to
# do about one that sends the asker elsewhere, often to a login, and the page of any other.
answered() {
  case "$1 $answer" in
    container*) ;;
    'http ') echo "; $2 answered nothing${slow:+ within $slow s}" ;;
    'http 3'*' '*) echo "; $2 answered $answer: it leads elsewhere, and a page to log in at is no health. Name a page that answers by itself, or the status that you expect" ;;
    http*)
      echo "; $2 answered $answer"
      page "$2" "${4:-}" "${5:-}"
      ;;
    *) echo "; $2 answered ${answer:-nothing}" ;;
  esac
}

# Somebody took the question, and had no answer by then. One that is slow, or answers one after the other, gets twice the
# time, as far as that of the deploy goes.
lengthen() {
  slow=$patience most=$(((deadline - $(uptime_cs)) / 100))
  [ "$most" -gt "$patience" ] || return 0
  patience=$((patience * 2))
  [ "$patience" -le "$most" ] || patience=$most
  [ "$patience" -le "$slowest" ] || slowest=$patience
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
# It is looked at often at first, for who is up soon need not wait, and then at the interval. Of one that is asked over HTTP the
# engine is asked when it has answered, and beside that five times a second at most: it takes longer to say than the
# question itself. So many RETRIES are enough, one an interval. One that is well when the time is over is given what it must
# stay so for.
watch() {
  start_step healthy "$1"
  deadline=$(($(uptime_cs) + $4)) well_since='' answer='' slow='' pause=5
  every=${6%/*} tried=0 counted=$(uptime_cs) tries='' looked=0 patience=5
  began=$(uptime_cs)
  case $6 in */*) tries=${6#*/} ;; esac
  while :; do
    well=''
    if [ "$3" = http ]; then
      probed_at=$(uptime_cs) slow=''
      answer=$(probe "$7" "${9:-}" "${10:-}")
      ! is_well "${answer%% *}" "${8:-}" || well=yes
      [ -n "$answer" ] || [ $(($(uptime_cs) - probed_at)) -lt $((patience * 100)) ] || lengthen
    fi
    asked_at=$(uptime_cs)
    if [ -n "$well" ] || [ "$3" != http ] || [ $((asked_at - looked)) -ge 20 ]; then
      looked=$asked_at
      look_at_state "$1" "$2"
    fi
    if [ "$3" = exec ]; then
      if answer=$(in_container "$@"); then well=yes; fi
    elif [ "$3" != http ]; then
      case $state in *' none' | *' healthy') well=yes ;; esac
    fi
    now=$(uptime_cs)
    if [ -z "$well" ]; then
      well_since=''
      [ $((now - counted)) -lt "$every" ] || counted=$now tried=$((tried + 1))
      [ -z "$tries" ] || [ "$tried" -lt "$tries" ] || fail healthy "$1" "$tried probes failed one after the other$(kind=$3 && shift 6 && answered "$kind" "$@")
$(evidence "$2")"
    else
      : "${well_since:=$now}"
      counted=$now tried=0
    fi
    [ -z "$well_since" ] || [ $((now - well_since)) -lt "$5" ] || break
    if [ "$now" -ge "$deadline" ] && [ -z "$well_since" ]; then
      fail healthy "$1" "not healthy after $(($4 / 100)) s$(kind=$3 && shift 6 && answered "$kind" "$@")
$(still_starting "$2" "$(($4 / 100))")
$(evidence "$2")
$([ "$state" != 'running starting' ] || inherited "$2")"
    fi
    [ "$pause" -lt "$every" ] || pause=$every
    rest=$pause
    [ -z "$well_since" ] || [ $((well_since + $5 - now)) -gt "$rest" ] || rest=$((well_since + $5 - now))
    nap "$rest"
    [ "$3" = http ] && [ -z "$well_since" ] && [ $((now - began)) -lt 100 ] || pause=$((pause * 2))
  done
  [ "$state" != 'running none' ] || state='running, without a check'
  end_step healthy 'done' "$1" "${7:-container} ${answer:-$state}"
}

# Sets `state`; one that has ended has failed. What was `well` before the engine was away need not be any more.
look_at_state() { # SERVICE CONTAINER
  if ! state=$(look_at --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' "$2") && ! is_gone "$2"; then
    # An engine that is being restarted tells nothing of the container, and its time is not the container's.
    await_engine || fail healthy "$1" "the engine does not answer: $state"
    deadline=$((deadline + $(uptime_cs) - asked_at)) state='running unseen' well=''
  fi
  case $state in
    'running unhealthy') fail healthy "$1" "the health check failed
$(evidence "$2")
$(inherited "$2")" ;;
    'running '*) ;;
    *) fail healthy "$1" "the container ended
$(evidence "$2")" ;;
  esac
}

in_container() { # what `watch` was given
  container=$2
  shift 6
  # A command that hangs must not hang the deploy: the host ends it, where it has a program for that.
  # shellcheck disable=SC2154 # engine.sh
  said=$(exec 9>&- && exec ${bound:+"$bound" 20} "$docker" exec "$container" "$@" 2>&1)
  code=$?
  printf '%s\n' "$said" | tail -n 1
  return "$code"
}
