# What a host has that a release must not spoil: volumes and ports, and who else has them. And what it has room for.
# Set by the client: LW_DATA (names of volumes that the release writes to), LW_IMAGES (references that it would pull), both
# separated by blanks. Needs `ask`, `ending`, `as` and `limit` of observe.sh.
# shellcheck disable=SC2154,SC2034,SC2086 # facts.sh, observe.sh; words

# Whoever is not of this environment, running or not: what is stopped may be started again.
look_at_volumes() {
  set --
  for volume in $LW_DATA; do set -- "$@" --filter "volume=$volume"; done
  answer=''
  ask ps --all --no-trunc "$@" --format "{{.ID}}${tab}{{.Label \"launchway.app\"}}${tab}{{.Label \"launchway.environment\"}}${tab}{{.Label \"launchway.exec\"}}" > /dev/null
  others=$(printf '%s\n' "$answer" | awk -F "$tab" -v own="$LW_APP.$LW_ENVIRONMENT" '$1 != "" && $2 "." $3 != own && $4 != own { print $1 }')
  [ -n "$others" ] || return 0
  # One that has gone meanwhile holds nothing: docker says of the rest what it knows, and ends with 1.
  $as $limit docker inspect --type container --format "holder${tab}{{.Name}}${tab}{{.State.Status}}${tab}{{with index .Config.Labels \"launchway.app\"}}{{.}}{{end}}${tab}{{with index .Config.Labels \"launchway.environment\"}}{{.}}{{end}}${tab}{{with index .Config.Labels \"launchway.exec\"}}{{.}}{{end}}${tab}{{json .Mounts}}" $others 2> /dev/null
  code=$?
  case $code in 0 | 1) ;; *) engine="docker inspect $(ending "$code")" alive='' ;; esac
}

# By which digests it has images: of those that are asked for docker tells of what is there.
look_at_images() {
  $as $limit docker image inspect --format "{{range .RepoDigests}}image${tab}{{.}}{{println}}{{end}}" $LW_IMAGES 2> /dev/null
}

# Which volumes that docker has named, for a VOLUME of an image, have been written to. The next container would begin with
# new ones. `answer` has what the containers of the release that runs have, as `has` lines.
look_at_unnamed() {
  printf '%s\n' "$answer" | awk -F "$tab" '$1 == "has" && length($3) == 64 && $3 !~ /[^0-9a-f]/' | while IFS=$tab read -r _ container volume path created; do
    ! is_written "${container#/}:$path" "$created" || fact unnamed "${container#/}" "$volume" "$path"
  done
}

# is_written CONTAINER:PATH CREATED: a file is there that is no older than its container. What docker has copied from the image
# is, and folders alone hold nothing. Read up to the first such file; what cannot be read may hold anything.
is_written() {
  case $(tar --version 2> /dev/null) in *GNU*) full=--full-time ;; *) full='' ;; esac
  created=$(printf '%.19s' "$2" | tr T ' ')
  { { $as $limit docker cp "$1/." - < /dev/null | TZ=UTC0 tar $full -tvf -; } 2> /dev/null || echo '? unread'; } \
    | awk -v created="$created" '/^d/ { next } $1 == "?" || $4 " " $5 >= substr(created, 1, length($4 " " $5)) { found = 1; exit } END { exit !(found || NR == 0) }'
}

# What the host could still give, in kB, and what each container that runs has taken: without its cache of files, which goes when somebody
# needs the room. `answer` has their first processes, as `process` lines.
look_at_memory() {
  fact memory "$(awk '$1 == "MemAvailable:" || $1 == "SwapFree:" { kb += $2 } END { print kb }' /proc/meminfo 2> /dev/null)"
  printf '%s\n' "$answer" | awk -F "$tab" '
    $1 == "process" && $3 > 0 {
      file = "/proc/" $3 "/cgroup"; at = ""
      while ((getline line < file) > 0) {
        split(line, part, ":")
        if (part[2] ~ /(^|,)memory(,|$)/) { at = "/memory" part[3]; break }
        if (part[1] == "0") at = part[3]
      }
      close(file)
      # What is not told of this one would be told of all.
      if (at == "" || at == "/") next
      file = "/sys/fs/cgroup" at "/memory.stat"
      while ((getline line < file) > 0) {
        split(line, part, " ")
        if (part[1] == "anon" || part[1] == "total_rss") { printf "uses%s%s%s%d\n", FS, substr($2, 2), FS, part[2] / 1024; break }
      }
      close(file)
    }'
}

# free_at NAME PATH: what the file system takes on which the path is, or will be.
free_at() {
  at=$2
  while [ "$at" != / ] && ! $as test -e "$at"; do at=$(dirname "$at"); done
  fact "$1" "$($as df -Pk "$at" 2> /dev/null | awk 'NR == 2 { print $4 }')"
}

# keeps_all_logs DRIVER: whether the engine keeps all that a container says which nobody has said anything else of. `docker
# info` names its driver, and no options of it: those are in its configuration, or on its command line.
keeps_all_logs() {
  [ "$1" = json-file ] || return 1
  for file in /etc/docker/daemon.json /var/snap/docker/current/config/daemon.json "${XDG_CONFIG_HOME:-${HOME:-}/.config}/docker/daemon.json"; do
    ! $as grep -qs '"max-size"' "$file" || return 1
  done
  ! grep -ls dockerd /proc/[0-9]*/cmdline | while read -r file; do tr '\000' '\n' < "$file" 2> /dev/null; done | grep -qE '^(--log-opt=)?max-size='
}

# Who listens at the ports that the release wants, or leads to: `asked`. By /proc/net/tcp, which has addresses and ports in
# hexadecimal, state 0A being LISTEN; in /proc/net/udp it is 07. Read once: the kernel of a large machine takes long to
# tell. Compared as text: what looks like a number is one to awk, and then 5E01 (port 24065) is 5 × 10¹, as 0050 is (port 80).
look_at_listeners() {
  tcp=$(listening 0A /proc/net/tcp /proc/net/tcp6) udp=''
  case " $asked " in */udp*) udp=$(listening 07 /proc/net/udp /proc/net/udp6) ;; esac
  for port in $asked; do
    protocol='' sockets=$tcp
    case $port in */udp) port=${port%/udp} protocol=udp sockets=$udp ;; */*) continue ;; esac
    printf '%s\n' "$sockets" | awk -v hex="$(printf '%04X' "$port")" '$2 "" == hex { print $1, $3 }' | while read -r at inode; do
      fact listens "$port$tab$at$tab$(owner_of "$inode")${protocol:+$tab$protocol}"
    done
  done
}
listening() { # STATE FILE…: address, port and inode, a line each
  state=$1
  shift
  cat "$@" 2> /dev/null | awk -v state="$state" '$4 "" == state { split($2, at, ":"); print at[1], at[2], $10 }'
}

# owner_of INODE: the program whose socket it is, as far as this account may see.
owner_of() {
  # shellcheck disable=SC2012,SC2086 # the links of all programs in one call; words
  pid=$($see sh -c 'ls -l /proc/[0-9]*/fd' 2> /dev/null | awk -v link="socket:[$1]" '
    /^\/proc\// { split($0, at, "/"); pid = at[3] }
    $NF == link { print pid; exit }')
  [ -z "$pid" ] || echo "$(tr -cd 'A-Za-z0-9_ .:/-' < "/proc/$pid/comm") (process $pid)"
}
