# Runs a service that ends by itself, shows what it wrote, and ends with its exit code. What this program itself has to
# say is the line of the error stream that begins with LW_MARK.
# Set by the client: LW_MARK, LW_SPEC (as the engine takes it). Needs connection.sh, cluster-api.sh.
say() {
  printf '%s\t%s\t%s\n' "$LW_MARK" "$1" "$2" >&2
}

once() {
  answer=$(api POST /services/create "$LW_SPEC" | tr -d '\r' | tr '\n' ' ')
  id=$(printf '%s' "$answer" | sed -n 's/.*"ID":"\([a-z0-9]*\)".*/\1/p')
  if [ -z "$id" ]; then
    say unfit "$(printf '%s' "$answer" | sed -n 's/.*"message":"\(.*\)"}.*/\1/p')"
    exit 1
  fi
  trap 'docker service rm "$id" > /dev/null 2>&1' EXIT
  trap 'exit 130' HUP PIPE INT TERM
  while_connected docker service rm "$id"
  said=''
  while :; do
    task=$(docker service ps --no-trunc --format '{{.ID}}|{{.Node}}|{{.CurrentState}}|{{.Error}}' "$id" 2> /dev/null < /dev/null | head -n 1)
    state=${task#*|*|}
    node=${task#*|} && node=${node%%|*}
    if [ -z "$said" ] && [ -n "$node" ]; then
      said=yes
      say begun "$node"
    fi
    case $state in
      Complete* | Failed* | Shutdown* | Orphaned* | Remove*) break ;;
      Rejected*)
        say unfit "${state#*|}"
        kill "${watcher:-}"
        exit 1
        ;;
    esac
    sleep 1
  done
  docker service logs --raw "$id" < /dev/null
  code=$(docker inspect --type task --format '{{.Status.ContainerStatus.ExitCode}}' "${task%%|*}" 2> /dev/null < /dev/null)
  kill "${watcher:-}"
  case $code in '' | *[!0-9]*) say unfit "${state#*|}" && code=1 ;; esac
  exit "$code"
}
