# What must not outlive the connection that started it. A shell without a terminal is not told when its connection
# breaks: the process of sshd that held it has gone, and this is looked for.

# The nearest sshd above this shell; where there is none, what started the shell.
connection() {
  pid=$$ name='' parent=''
  while [ "$pid" -gt 1 ]; do
    while read -r key value _; do
      case $key in Name:) name=$value ;; PPid:) parent=$value ;; esac
    done < "/proc/$pid/status"
    case $name in sshd*) break ;; esac
    pid=$parent
  done
  case $name in sshd*) echo "$pid" ;; *) echo "$PPID" ;; esac
}

# while_connected COMMAND…: runs the command once the connection has gone, unless `watcher` has been ended before. It
# holds none of the streams: sshd would wait for that.
while_connected() {
  connection=$(connection)
  (
    trap '' HUP PIPE INT
    while [ -d "/proc/$connection" ]; do sleep 1; done
    "$@"
  ) > /dev/null 2>&1 < /dev/null &
  # shellcheck disable=SC2034 # read by what is appended
  watcher=$!
}
