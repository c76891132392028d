# Looks at a host and changes nothing: one line a fact, `name<TAB>value…`. Runs as the user who logs in; what that
# user may not see is asked through sudo, where sudo needs no password.
# Set by the client: LW_APP LW_ENVIRONMENT LW_ROOT LW_HOME LW_WANTED (ports, separated by blanks: 80, 53/udp), LW_NGINX (yes where
# the release wants it), LW_CRON (the same), LW_DEFINITIONS and LW_ASKED (observe-carried.sh), LW_FILES (a line for each
# file that it wants to be there), LW_CERTIFICATES (that it asks for, by certbot's names for them, separated by blanks),
# LW_CHALLENGES (where certbot puts what is asked for). Needs box.sh, crontab.sh and the other observe-*.sh.
# shellcheck disable=SC2154 # facts.sh
set -u
LC_ALL=C
export LC_ALL
as=''
fact uid "$(id -u)"
for tool in docker flock setsid curl wget nginx sudo awk find crontab tar base64; do
  command -v "$tool" > /dev/null 2>&1 && fact tool "$tool"
done
# What sees more than the user may, where there is something.
see=''
if sudo -n true 2> /dev/null; then fact sudo yes; see='sudo -n'; fi

# An engine can hang, and then answers nobody: each question has its time, where the host has a program for that.
limit=''
if timeout 5 sh -c : 2> /dev/null; then limit='timeout 20'; fi

if version; then fact docker direct; fi
own=''
if is_own; then
  own=yes
  fact state direct
fi
if { [ -z "$alive" ] || [ -z "$own" ]; } && [ -n "$see" ]; then
  as='sudo -n'
  version sudo -n
fi

# shellcheck disable=SC2086
ports=$($as cat "$LW_HOME/ports" 2> /dev/null)
printf '%s\n' "$ports" | while read -r service a b; do [ -z "$b" ] || fact port "$service" "$a" "$b"; done

# What each release is: one line of JSON, which holds no tab.
# shellcheck disable=SC2086 # words
for kept in $($as ls "$LW_HOME/releases" 2> /dev/null | in_order "$($as cat "$LW_HOME/order" 2> /dev/null)"); do
  kept=$LW_HOME/releases/$kept
  [ -e "$kept/recorded" ] || continue
  what=$($as cat "$kept/release.json" 2> /dev/null)
  fact release "${kept##*/}" "$what"
  if [ -e "$kept/carried" ]; then
    $as cat "$kept/carried" | while read -r service container; do fact carried "${kept##*/}" "$service" "$container"; done
  fi
  # A rollback may want what the configuration no longer has.
  case $what in *'"cron":"'*) LW_CRON=yes ;; esac
done

[ -z "$LW_DEFINITIONS" ] || look_at_definitions
[ -z "$LW_ASKED" ] || look_at_answers

for file in current previous owner lock.holder waits maintenance held nginx.container; do
  # shellcheck disable=SC2086 # $as is empty or two words
  content=$($as cat "$LW_HOME/$file" 2> /dev/null) && fact "$file" "$content"
done
fact now "$(date +%s)"
# Work that an attempt has left, which broke off: the next one undoes it first, or finishes it.
for list in "$LW_HOME"/releases/*/undo; do
  # shellcheck disable=SC2086
  $as test ! -e "$list" || fact interrupted yes
done
# The holder's note outlives the lock: only the lock itself tells whether somebody deploys right now. One that a
# program which was killed has left to its last call of docker ends by itself: `begin` waits for that.
# shellcheck disable=SC2086
if $as test -r "$LW_HOME/lock"; then
  $as flock -n "$LW_HOME/lock" sh -c : 2> /dev/null
  held=$?
  holder=$($as cat "$LW_HOME/lock.pid" 2> /dev/null)
  # shellcheck disable=SC2086
  if [ "$held" = 1 ] && { [ -z "$holder" ] || $as test "/proc/$holder/fd/9" -ef "$LW_HOME/lock"; }; then fact locked yes; fi
fi

# shellcheck disable=SC2046 # words
set -- $(printf '%s\n' "$LW_WANTED" "$ports" | awk 'NR == 1 { print } NR > 1 { print $2, $3 }')
asked=$*

# What the engine tells. Nothing that is asked elsewhere changes `alive` or `engine`.
engine_tells() {
  # Accessories belong to no release. Their volumes hold what must not be lost: that is asked of the containers themselves.
  answer=''
  ask ps --all --no-trunc --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" --format "\
{{if .Label \"launchway.accessory\"}}accessory${tab}{{.Names}}${tab}{{.Label \"launchway.accessory\"}}${tab}{{.State}}${tab}{{.Status}}${tab}{{.Label \"launchway.configuration\"}}\
{{else if .Label \"launchway.release\"}}container${tab}{{.Names}}${tab}{{.Label \"launchway.service\"}}${tab}{{.Label \"launchway.release\"}}${tab}{{.Label \"launchway.slot\"}}${tab}{{.State}}${tab}{{.Status}}${tab}{{.Label \"launchway.cron\"}}{{end}}"
  # Of a release, what the current one has: its own, and what it has left running.
  runs=$($as cat "$LW_HOME/current" 2> /dev/null)
  names=$(printf '%s\n' "$answer" | awk -F "$tab" -v now="$runs" -v left="$($as cat "$LW_HOME/releases/$runs/carried" 2> /dev/null | tr '\n' ' ') " '
    $1 == "accessory" || ($1 == "container" && ($4 == now || index(left, " " $2 " "))) { print $2 }')
  jobs=$(printf '%s\n' "$answer" | awk -F "$tab" '$1 == "container" && $8 != "" { print $2 }')
  # shellcheck disable=SC2086 # words: a container's name has no blank
  [ -z "$names" ] || ask inspect --format "{{if index .Config.Labels \"launchway.accessory\"}}mounts${tab}{{.Name}}${tab}{{json .Mounts}}{{with index .Config.Labels \"launchway.contents\"}}{{println}}contents${tab}{{$.Name}}${tab}{{.}}{{end}}\
{{else}}process${tab}{{.Name}}${tab}{{.State.Pid}}{{println}}{{range .Mounts}}{{if eq .Type \"volume\"}}has${tab}{{$.Name}}${tab}{{.Name}}${tab}{{.Destination}}${tab}{{$.Created}}{{println}}{{end}}{{end}}{{end}}{{println}}policy${tab}{{.Name}}${tab}{{.HostConfig.RestartPolicy.Name}}" $names
  [ -z "$alive" ] || [ -z "$names" ] || { look_at_unnamed; look_at_memory; }
  # Of scheduled commands, how the last run went.
  # shellcheck disable=SC2086 # the same
  [ -z "$jobs" ] || ask inspect --format "run${tab}{{.Name}}${tab}{{json .State}}" $jobs
  [ -z "$alive" ] || [ -z "$LW_DATA" ] || look_at_volumes
  [ -z "$alive" ] || [ -z "$LW_IMAGES" ] || look_at_images

  look_at_files

  # Who holds the ports that the release wants, or leads to: containers, by what the engine says.
  [ -z "$asked" ] || ask ps --format "publishes${tab}{{.Names}}${tab}{{.Ports}}"

  # shellcheck disable=SC2086 # words
  info=$([ -z "$alive" ] || $as $limit docker info --format '{{.LoggingDriver}} {{.ID}} {{.DockerRootDir}}' 2> /dev/null)
  root=${info#* * } id=${info#* }
  case $root in /var/snap/docker/*) fact unfit snap ;; esac
  # For nginx alone the program will be root, who may be led to another engine than the one that was looked at.
  if [ -n "$info" ] && [ -z "$as" ] && [ -n "$LW_NGINX$ports" ] && [ "$(id -u)" != 0 ] && [ -n "$see" ]; then
    # shellcheck disable=SC2086 # words
    [ "$(sudo -n $limit docker info --format '{{.ID}}' 2> /dev/null)" = "${id%% *}" ] || fact unfit two
  fi
  fact free "$(df -Pk "${root:-/}" 2> /dev/null | awk 'NR == 2 { print $4 }')"
  ! keeps_all_logs "${info%% *}" || fact logs unbounded
  [ -n "$alive" ] || case $(docker --version 2> /dev/null) in podman*) engine=podman ;; esac
  fact engine "$engine"
}

# What the engine says of the container in which nginx runs. A mount is stale where the host has put something else in its
# place since: the container still has what was there.
# shellcheck disable=SC2086 # $root and $limit are words
look_at_box() {
  set -- $root $limit docker inspect --type container
  if ! box_said=$("$@" --format "{{.State.Status}}${tab}{{.HostConfig.NetworkMode}}${tab}{{.HostConfig.RestartPolicy.Name}}${tab}{{.RestartCount}}${tab}{{.State.StartedAt}}${tab}{{.State.Pid}}" "$box" 2> /dev/null); then
    [ -z "$alive" ] || fact nginx.in "$box"
    fact nginx stopped
    return 1
  fi
  fact nginx.in "$box" "$box_said"
  top=${box_said##*"$tab"}
  "$@" --format "{{range .Mounts}}{{.Source}}${tab}{{.Destination}}{{println}}{{end}}" "$box" 2> /dev/null | while IFS=$tab read -r source at; do
    stale=''
    [ "$top" = 0 ] || [ "$(inode "$source")" = "$(inode "/proc/$top/root$at")" ] || stale=stale
    [ -z "$at" ] || fact nginx.mount "$source" "$at" "$stale"
  done
  case $box_said in running"$tab"*) return ;; esac
  fact nginx stopped
  return 1
}
inode() { # PATH
  # shellcheck disable=SC2086,SC2012 # words; there is no stat in POSIX
  $root ls -dLi "$1" 2> /dev/null | awk '{ print $1; exit }'
}

# is_there FILE: as nginx sees it. In a container a link leads on within the container.
# shellcheck disable=SC2086 # words
is_there() {
  [ -n "$box" ] || { $root test -r "$1"; return; }
  seen=$1 hops=0
  while [ "$hops" -lt 20 ] && link=$($root readlink "/proc/$top/root$seen" 2> /dev/null); do
    case $link in /*) seen=$link ;; *) seen=${seen%/*}/$link ;; esac
    hops=$((hops + 1))
  done
  $root test -r "/proc/$top/root$seen"
}

# What certbot remembers of the certificate whose file is `renewal`.
renewal_of() { # KEY
  $root sed -n "s/^$1 *= *//p" "$renewal" 2> /dev/null | head -n 1
}

# nginx, where it is wanted or was: the one that the release wants, else the one that has led here until now. Only root
# can read all of its configuration.
# shellcheck disable=SC2086,SC2016 # $root and $limit are words; the text in quotes is for another shell
look_at_nginx() {
  root='' box=$LW_BOX
  [ -n "$LW_NGINX" ] || read -r box _ 2> /dev/null << END
$($as cat "$LW_HOME/nginx.container" 2> /dev/null)
END
  if [ "$(id -u)" != 0 ]; then
    [ -n "$see" ] || { fact nginx refused; return; }
    root=$see
  fi
  if [ -n "$box" ]; then
    look_at_box || return
    set -- $root $limit docker exec "$box" nginx
  else
    nginx=$(PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" && command -v nginx) || { fact nginx missing; return; }
    set -- $root $limit "$nginx"
  fi
  built=$("$@" -V 2>&1)
  case $?${box:+ in a box} in "126 in a box" | "127 in a box") fact nginx missing; return ;; esac
  printf '%s\n' "$built" | while IFS= read -r line; do fact nginx.built "$line"; done
  if said=$("$@" -t 2>&1); then
    fact nginx well
  else
    fact nginx broken
    printf '%s\n' "$said" | while IFS= read -r line; do fact nginx.said "$line"; done
    return
  fi
  dump=$("$@" -T 2> /dev/null)
  printf '%s\n' "$dump" | sed "s/^/nginx.conf$tab/"
  if [ -n "$box" ]; then
    pid=$(box_master "$top")
    [ -z "$pid" ] || fact nginx.started "$($root cat "/proc/$pid/cmdline" 2> /dev/null | tr '\000\n\t' '   ')"
  else
    pid_file=$(printf '%s\n' "$dump" | sed -n 's/^[[:space:]]*pid[[:space:]]\{1,\}\([^;]*\);.*/\1/p' | tail -n 1)
    [ -n "$pid_file" ] || pid_file=$("$nginx" -V 2>&1 | tr ' ' '\n' | sed -n 's/^--pid-path=//p')
    pid=$($root cat "$pid_file" 2> /dev/null)
  fi
  if [ -n "$pid" ] && [ -e "/proc/$pid" ]; then fact nginx.running "$pid"; fi

  printf '%s\n' "$LW_FILES" | while IFS= read -r file; do
    if [ -n "$file" ] && ! is_there "$file"; then fact absent "$file"; fi
  done
  look_at_tls
  for name in $LW_CERTIFICATES; do
    chain=/etc/letsencrypt/live/$name/fullchain.pem
    $root test -r "$chain" || continue
    ends=later own=''
    $root openssl x509 -in "$chain" -noout -checkend 604800 > /dev/null 2>&1 || ends=soon
    $root openssl x509 -in "$chain" -noout -checkend 0 > /dev/null 2>&1 || ends=over
    renewal="/etc/letsencrypt/renewal/$name.conf"
    if $root grep -qsF "$LW_CHALLENGES" "$renewal"; then own=own; fi
    fact certificate "$name" "$ends" "$own" "$(renewal_of server)" "$(renewal_of authenticator)" "$($root openssl x509 -in "$chain" -noout -enddate -ext subjectAltName 2> /dev/null | tr '\n\t' '  ')"
  done
  if [ -n "$LW_CERTIFICATES" ]; then
    for program in certbot /usr/local/bin/certbot /snap/bin/certbot; do
      if command -v "$program" > /dev/null; then fact tool certbot && break; fi
    done
    if command -v openssl > /dev/null; then fact tool openssl; fi
  fi
  # Workers look for a file there: each folder on the way must let them pass.
  folder=$LW_HOME
  while [ "$folder" != / ] && [ "$folder" != . ]; do
    mode=$($root ls -ld "$folder" 2> /dev/null)
    case ${mode%% *} in '' | ?????????[xt]*) ;; *) fact closed "$folder" ;; esac
    folder=${folder%/*}
    folder=${folder:-/}
  done
  if [ -s /proc/net/if_inet6 ]; then fact ipv6 yes; fi
  for tool in getenforce /usr/sbin/getenforce; do
    if policy=$("$tool" 2> /dev/null); then fact selinux "$policy" && break; fi
  done
  if [ "$policy" = Enforcing ]; then
    case $(getsebool httpd_can_network_connect 2> /dev/null || /usr/sbin/getsebool httpd_can_network_connect 2> /dev/null) in *' off') fact selinux.connect off ;; esac
  fi
  read -r from to < /proc/sys/net/ipv4/ip_local_port_range && fact range "$from" "$to"
  printf '%s\n' "$tcp" | awk '$2 != "" { print "open\t" $2 }'
  $root sh -c 'cat "$1"/*/*/ports' sh "$LW_ROOT" 2> /dev/null | awk '{ print "claimed\t" $2; print "claimed\t" $3 }'
}

# What the host itself tells, apart from what is kept.
host_tells() {
  # shellcheck disable=SC2086
  if [ -n "$LW_CRON" ] || $as test -e "$LW_HOME/cron.of"; then look_at_cron; fi
  if [ -n "$asked$LW_NGINX" ]; then look_at_listeners; fi
  # shellcheck disable=SC2086 # words
  if [ -n "$LW_NGINX$ports" ]; then look_at_nginx; fi

  detach=setsid
  if is_ended_with_login; then
    detach=never
    if [ -n "$as" ]; then
      if $as systemd-run --scope --quiet sh -c : > /dev/null 2>&1 < /dev/null; then detach=system; fi
    elif [ "$(loginctl show-user "$user" --property=Linger --value 2> /dev/null)" = yes ]; then
      if systemd-run --user --scope --quiet sh -c : > /dev/null 2>&1 < /dev/null; then detach=user; fi
    fi
  fi
  fact detach "$detach"
  free_at free.state "$LW_ROOT"
}

# Side by side, since they wait for different things; what the engine has told is printed when the host has. What is kept
# has been read before: where somebody has deployed in between, that is older than what runs, and `expect` says so.
engine_tells | {
  host_tells < /dev/null
  cat
}
fact seen yes
