# The servers of nginx that lead to services: files of ours, which change seldom; nginx is reloaded when one does.
nginx=$(PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" && command -v nginx)
changed=''

# A pattern of nginx's does not see a file whose name begins with a dot: it reads the old text or the new one.
place() { # FILE, from standard input
  hidden="${1%/*}/.${1##*/}.new"
  cat > "$hidden" && mv -f "$hidden" "$1" && return
  rm -f "$hidden"
  return 1
}

# site SERVICE FILE: what travelled with this program becomes the server of the service; `load` makes nginx read it.
site() {
  new="$LW_TRY/site.$1"
  [ ! -e "$2" ] || [ "$(cat "$2")" != "$(cat "$new")" ] || return 0
  start_step switch "$1"
  hold_host || fail switch "$1" "$said"
  remember_site "$1" "$2"
  said=$(place "$2" < "$new" 2>&1) || fail switch "$1" "cannot write $2: $said"
  end_step switch 'done' "$1" "$2"
}

# unseat SERVICE FILE: the server of a service that the release no longer has makes way for another that takes its name.
unseat() {
  [ -e "$2" ] || return 0
  start_step switch "$1"
  hold_host || fail switch "$1" "$said"
  remember_site "$1" "$2"
  rm -f "$2"
  end_step switch 'done' "$1" "$2 makes way"
}

remember_site() { # SERVICE FILE
  rm -f "$LW_DIR/site.$1"
  [ ! -e "$2" ] || put "$LW_DIR/site.$1" "$(cat "$2")" || fail switch "$1" "$(no_room)"
  will_undo site "$1 $2" switch "$1"
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
# gone, or 5 s have passed: who keeps a connection open (WebSocket) keeps its worker.
reload() {
  said=$("$nginx" -t 2>&1) || return
  warned=$said
  master=$(nginx_master)
  if ! kill -0 "${master:-none}" 2> /dev/null; then
    said='nginx is not running'
    return 1
  fi
  before=" $(workers | tr '\n' ' ')"
  said=$("$nginx" -s reload 2>&1) || return
  until=$(($(uptime_cs) + 500))
  while :; do
    fresh='' left=''
    for worker in $(workers); do
      case $before in *" $worker "*) left=yes ;; *) fresh=yes ;; esac
    done
    [ -z "$fresh" ] || [ -n "$left" ] || break
    [ "$(uptime_cs)" -lt "$until" ] || break
    short_sleep
  done
  said=$warned
  [ -n "$fresh" ] && return
  said='nginx did not start new workers within 5 s; its error log says why'
  return 1
}

nginx_master() {
  pid_file=$("$nginx" -T 2> /dev/null | sed -n 's/^[[:space:]]*pid[[:space:]]\{1,\}\([^;]*\);.*/\1/p' | tail -n 1)
  [ -n "$pid_file" ] || pid_file=$("$nginx" -V 2>&1 | tr ' ' '\n' | sed -n 's/^--pid-path=//p')
  cat "$pid_file" 2> /dev/null
}

workers() {
  cat /proc/[0-9]*/stat 2> /dev/null | awk -v master="$master" '$2 == "(nginx)" && $4 == master { print $1 }'
}

# unsite FOLDER SERVICE…: the servers of all other services of this application and environment go.
unsite() {
  ours="$1/launchway.$LW_APP.$LW_ENVIRONMENT." gone=''
  shift
  for file in "$ours"*.conf; do
    [ -e "$file" ] || continue
    service=${file#"$ours"} service=${service%.conf}
    case " $* " in *" $service "*) continue ;; esac
    [ -n "$gone" ] || start_step switch
    if hold_host && rm -f "$file"; then gone="$gone $service"; else end_step switch failed '' "$file stays: $said"; fi
  done
  [ -n "$gone" ] || return 0
  if reload; then
    end_step switch 'done' '' "nginx no longer leads to:$gone"
  else
    end_step switch failed '' "the servers of$gone are removed, but nginx was not reloaded: $said"
  fi
  let_host
}

# site_back RELEASE_DIR SERVICE FILE: the file is as it was. Where others have broken the configuration since, what
# nginx has loaded stays, and leads to the slot that serves.
site_back() {
  hold_host || return
  if [ -e "$1/site.$2" ]; then place "$3" < "$1/site.$2" || return; else rm -f "$3"; fi
  reload > /dev/null 2>&1 || :
  let_host
}
