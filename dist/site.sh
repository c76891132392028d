# The servers of nginx that lead to services: files of ours, which change seldom; nginx is reloaded when one does.
# Needs box.sh.
#
#   nginx.container   where nginx runs in a container: NAME, the folder launchway.d as nginx names it, and as the host does
nginx=$(PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" && command -v nginx)
changed='' box=''

# led_by [CONTAINER OURS HERE]: in which container the nginx runs that leads here from now on; without one it is a
# program of the host. Who takes files away later, or undoes, finds it written down.
led_by() {
  led=$* before=$(cat "$LW_HOME/nginx.container" 2> /dev/null)
  [ "$led" != "$before" ] || return 0
  # shellcheck disable=SC2034 # read by end_step
  step_started=$(uptime_cs) was=none
  if [ -n "$before" ]; then
    was=kept
    put "$LW_DIR/nginx.container" "$before" || fail switch '' "$(no_room)"
  fi
  will_undo led "$was" switch ''
  if [ -z "$led" ]; then
    rm -f "$LW_HOME/nginx.container"
  else
    put "$LW_HOME/nginx.container" "$led" || fail switch '' "$(no_room)"
  fi
}

# Sets `box`, which is empty for the nginx of the host, and how the two of them name the folder of ours.
find_nginx() {
  box='' ours='' here=''
  [ ! -e "$LW_HOME/nginx.container" ] || read -r box ours here < "$LW_HOME/nginx.container"
}

call_nginx() {
  if [ -n "$box" ]; then docker exec "$box" nginx "$@" < /dev/null; else "$nginx" "$@"; fi
}

# A pattern of nginx's does not see a file whose name begins with a dot: it reads the old text or the new one.
place() { # FILE, from standard input
  hidden="${1%/*}/.${1##*/}.new"
  cat > "$hidden" && mv -f "$hidden" "$1" && return
  rm -f "$hidden"
  return 1
}

# site KEY FILE: what travelled with this program is what nginx shall read; `load` makes it read it. The key begins with
# the service.
site() {
  new="$LW_TRY/site.$1"
  [ ! -e "$2" ] || [ "$(cat "$2")" != "$(cat "$new")" ] || return 0
  start_step switch "${1%%.*}"
  hold_host || fail switch "${1%%.*}" "$said"
  remember_site "$1" "$2"
  case $1 in *.server) put "$LW_DIR/wrote.$1" "$(cat "$new")" || fail switch "${1%%.*}" "$(no_room)" ;; esac
  said=$(mkdir -p "${2%/*}" 2>&1 && place "$2" < "$new" 2>&1) || fail switch "${1%%.*}" "cannot write $2: $said"
  end_step switch 'done' "${1%%.*}" "$2"
}

# unseat KEY FILE: what the release no longer has makes way for what takes its place.
unseat() {
  [ -e "$2" ] || return 0
  start_step switch "${1%%.*}"
  hold_host || fail switch "${1%%.*}" "$said"
  remember_site "$1" "$2"
  rm -f "$2"
  end_step switch 'done' "${1%%.*}" "$2 makes way"
}

# The list is worked off from its end: nginx is reloaded once, after all files are as they were.
remember_site() { # KEY FILE
  [ -n "$changed" ] || will_undo reload nginx switch "${1%%.*}"
  rm -f "$LW_DIR/site.$1" "$LW_DIR/wrote.$1"
  [ ! -e "$2" ] || put "$LW_DIR/site.$1" "$(cat "$2")" || fail switch "${1%%.*}" "$(no_room)"
  will_undo site "$1 $2" switch "${1%%.*}"
  changed=yes
}

# load NAME…: reloads nginx when a server has changed. The names are those of the servers: nginx only warns about one
# that it ignores because another server has it already.
load() {
  [ -n "$changed" ] || return 0
  start_step switch
  reload || fail switch '' "$said"
  for name; do
    case $said in *"conflicting server name \"$name\""*) fail switch '' "another server of nginx has the name $name: $said" ;; esac
  done
  changed=''
  let_host
  end_step switch 'done' '' 'nginx reloaded'
}

# nginx's own words are in `said`. Returns once workers with the new configuration are there and those before have
# gone, or 5 s have passed: who keeps a connection open (WebSocket) keeps its worker. nginx that takes long to read its
# configuration, for the many names or certificates in it, is given three times what its test took.
reload() {
  find_nginx
  asked_at=$(uptime_cs)
  said=$(call_nginx -t 2>&1) || return
  warned=$said
  nginx_patience "$(($(uptime_cs) - asked_at))"
  master=$(nginx_master)
  if ! kill -0 "${master:-none}" 2> /dev/null; then
    said="nginx is not running${box:+ in the container $box}"
    return 1
  fi
  before=" $(workers | tr '\n' ' ')"
  said=$(call_nginx -s reload 2>&1) || return
  reloaded=$(uptime_cs)
  while :; do
    fresh='' left=''
    for worker in $(workers); do
      case $before in *" $worker "*) left=yes ;; *) fresh=yes ;; esac
    done
    [ -z "$fresh" ] || [ -n "$left" ] || break
    waited=$(($(uptime_cs) - reloaded))
    [ "$waited" -lt 500 ] || { [ -z "$fresh" ] && [ "$waited" -lt "$reads_in" ]; } || break
    short_sleep
  done
  said=$warned
  [ -n "$fresh" ] && return
  said="nginx did not start new workers within $((reads_in / 100)) s; its error log says why"
  return 1
}

# Sets `reads_in`: how long a reload may take until new workers are there, of an nginx whose test took so long.
reads_in=500
nginx_patience() { # HUNDREDTHS
  reads_in=$(($1 * 3))
  [ "$reads_in" -gt 500 ] || reads_in=500
}

nginx_master() {
  if [ -n "$box" ]; then
    box_master "$(docker inspect --type container --format '{{.State.Pid}}' "$box" 2> /dev/null)"
    return
  fi
  pid_file=$("$nginx" -T 2> /dev/null | sed -n 's/^[[:space:]]*pid[[:space:]]\{1,\}\([^;]*\);.*/\1/p' | tail -n 1)
  [ -n "$pid_file" ] || pid_file=$("$nginx" -V 2>&1 | tr ' ' '\n' | sed -n 's/^--pid-path=//p')
  cat "$pid_file" 2> /dev/null
}

workers() {
  cat /proc/[0-9]*/stat 2> /dev/null | awk -v master="$master" '$2 == "(nginx)" && $4 == master { print $1 }'
}

# unsite FOLDER SERVERS KEPT-FILE…: everything else of this application and environment goes, and each server that leads
# nowhere any more: from the inside to the outside, so that nginx could be reloaded at any moment.
unsite() {
  sites=$1 servers=$2 gone=''
  shift 2
  for file in "$servers"/*/"$LW_APP.$LW_ENVIRONMENT."*.conf; do take_out "$@"; done
  for folder in "$servers"/*/; do
    [ -e "$folder" ] || continue
    # Another deploy makes its folder, and what stands in it, under the same lock.
    hold_host || continue
    rmdir "$folder" 2> /dev/null || continue
    file="$sites/launchway-server.$(basename "$folder").conf"
    take_out
  done
  for file in "$sites/launchway.$LW_APP.$LW_ENVIRONMENT."*.conf; do take_out "$@"; done
  if [ -n "$gone" ]; then
    if reload; then
      end_step switch 'done' '' "nginx no longer reads$gone"
    else
      end_step switch failed '' "$gone removed, but nginx was not reloaded: $said"
    fi
  fi
  let_host
}

take_out() { # KEPT-FILE…, of `file`
  [ -e "$file" ] || return 0
  for kept; do [ "$kept" != "$file" ] || return 0; done
  [ -n "$gone" ] || start_step switch
  if hold_host && rm -f "$file"; then gone="$gone $file"; else end_step switch failed '' "$file stays: $said"; fi
}

# Undo: nothing here may end the program.

site_back() { # RELEASE_DIR KEY FILE
  hold_host || return
  case $2 in *.server) if is_anothers "$1/wrote.$2" "$1/site.$2" "$3"; then return; fi ;; esac
  if [ -e "$1/site.$2" ]; then
    mkdir -p "${3%/*}" && place "$3" < "$1/site.$2"
  else
    rm -f "$3" || return
    # The folder of a server goes with the last that stood in it.
    case $3 in *launchway.d/servers/*/*) rmdir "${3%/*}" 2> /dev/null || : ;; esac
  fi
}

# is_anothers WROTE SAVED FILE: another application has had the server in its hands since: has written it anew, or leads
# to a service by the one that this attempt has made.
is_anothers() {
  [ -e "$1" ] && [ -e "$3" ] || return
  [ "$(cat "$1")" = "$(cat "$3")" ] || return 0
  [ ! -e "$2" ] || return
  folder=$(sed -n 's|^ *include \(/.*\)/\*\.conf;$|\1|p' "$3")
  find_nginx
  case $folder in "${ours:-none}"/*) folder=$here${folder#"$ours"} ;; esac
  for file in "$folder"/*.conf; do
    case ${file##*/} in "$LW_APP.$LW_ENVIRONMENT."*) ;; *) [ ! -e "$file" ] || return 0 ;; esac
  done
  return 1
}

led_back() { # RELEASE_DIR kept, or nothing
  if [ "$2" != kept ]; then
    rm -f "$LW_HOME/nginx.container"
  elif [ -e "$1/nginx.container" ]; then
    mv -f "$1/nginx.container" "$LW_HOME/nginx.container"
  fi
}

# Where others have broken the configuration since, what nginx has loaded stays, and leads to the slot that serves.
reload_back() {
  hold_host || return
  reload > /dev/null 2>&1 || :
  let_host
}
