# What an engine is in a swarm: facts, and nothing is changed.
if ! engine=$(docker version --format '{{.Server.Version}}' 2> /dev/null < /dev/null); then
  fact said "$(docker version 2>&1 > /dev/null < /dev/null | tail -n 1)"
  fact answered yes
  exit 0
fi
fact engine "$engine"
fact live_restore "$(docker info --format '{{.LiveRestoreEnabled}}' 2> /dev/null < /dev/null)"
fact swarm "$(docker info --format '{{json .Swarm}}' 2> /dev/null < /dev/null)"
# Not those of docker's own bridges.
ip -o -4 addr show scope global 2> /dev/null < /dev/null | while read -r _ interface _ address _; do
  case $interface in docker* | br-* | veth*) continue ;; esac
  fact address "${interface%%@*}" "$address"
done
docker node ls --format '{{json .}}' 2> /dev/null < /dev/null | while IFS= read -r node; do fact node "$node"; done
fact answered yes
