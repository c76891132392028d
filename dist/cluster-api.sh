# api METHOD PATH [BODY]: asks the engine, and prints its answer: status line, headers, body. By way of docker's own
# client, so that its context and socket are right and the body stands on no command line.
api() {
  folder=$(mktemp -d) || return
  mkfifo "$folder/request" || return
  docker system dial-stdio < "$folder/request" > "$folder/answer" 2> "$folder/said" &
  asked=$!
  # Open until the answer has come: an engine takes the end of what it reads for somebody who has given up.
  exec 9> "$folder/request"
  length=$(printf '%s' "${3-}" | wc -c)
  printf '%s %s HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
    "$1" "$2" "$((length))" "${3-}" >&9
  wait "$asked"
  exec 9>&-
  cat "$folder/answer" "$folder/said"
  rm -rf "$folder"
}
