# A certificate that a service wants and the host does not have: certbot asks a certificate authority for it (ACME), which
# asks nginx, on port 80, for what certbot has put into a folder.

# certificate SERVICE SECONDS FOLDER NAMES CERTBOT-ARGUMENTS…: NAMES have blanks between them, the first being certbot's own
# for the certificate. What was got stays, whatever becomes of the deploy: an authority gives out few in a week.
certificate() {
  LW_SERVICE=$1 limit=$2 webroot=$3 hostnames=$4
  shift 4
  start_step certificate "$LW_SERVICE"
  # shellcheck disable=SC2030,SC2031 # for this look alone
  certbot=$(PATH="$PATH:/usr/local/bin:/snap/bin" && command -v certbot) || fail certificate "$LW_SERVICE" "certbot is not installed any more"
  show_challenges
  certbot_log="$LW_TRY/certificate.log" deadline=$(($(uptime_cs) + limit * 100)) overdue=''
  (umask 077 && : > "$certbot_log") || fail certificate "$LW_SERVICE" "$(no_room)"
  exec 7< "$certbot_log"
  # shellcheck disable=SC2034 # tell_words, in journal.sh
  held='' lines=0
  while :; do
    # shellcheck disable=SC2154 # nginx: site.sh. certbot keeps the hook with the certificate, and runs it by a shell.
    run_certbot "$@" --deploy-hook "$nginx -t && $nginx -s reload"
    # Its own timer, or another deploy: there is one certbot at a time.
    [ "$code" != 0 ] && [ -z "$overdue" ] || break
    case $(tail -n 5 "$certbot_log") in *'nother instance of Certbot is already running'*) ;; *) break ;; esac
    nap 200
  done
  [ -z "$held" ] || MS='' journal certificate says "$LW_SERVICE" "$held"
  exec 7<&-
  words=$(tail -n 40 "$certbot_log" | tail -c 6000)
  [ -z "$overdue" ] || fail certificate "$LW_SERVICE" "certbot was still running after $limit s, and was ended
$words"
  [ "$code" = 0 ] || fail certificate "$LW_SERVICE" "certbot ended with exit code $code
$words"
  chain="/etc/letsencrypt/live/${hostnames%% *}/fullchain.pem"
  check_got "$chain" || fail certificate "$LW_SERVICE" "certbot ended well, and $chain is still not good for $hostnames; on the host: certbot certificates
$words"
  until=$(openssl x509 -in "$chain" -noout -enddate 2> /dev/null)
  end_step certificate 'done' "$LW_SERVICE" "$hostnames, until ${until#*=}"
}

# The folder, as nginx on this host shows it under each name: what is not shown here is not shown to the authority, which counts
# failures.
show_challenges() {
  challenges="$webroot/.well-known/acme-challenge" file="launchway-$LW_APP.$LW_ENVIRONMENT"
  said=$(mkdir -p "$challenges" && chmod 755 "$webroot" "$webroot/.well-known" "$challenges" && printf '%s' "$LW_ATTEMPT" 2>&1 > "$challenges/$file") \
    || fail certificate "$LW_SERVICE" "cannot write in $challenges: $said"
  for name in $hostnames; do
    shown="http://$name/.well-known/acme-challenge/$file"
    # A server that has known no certificate of ours until now may send to HTTPS first, as an authority would follow it.
    answer=$(exec 8>&- 9>&- && exec curl -q --globoff --noproxy '*' --silent --insecure --location --max-time 5 --write-out '\n%{http_code}' \
      --resolve "$name:80:127.0.0.1" --resolve "$name:443:127.0.0.1" "$shown" 2> /dev/null)
    [ "$answer" != "$LW_ATTEMPT
200" ] || continue
    rm -f "$challenges/$file"
    fail certificate "$LW_SERVICE" "nginx on this host does not show what certbot would put into $challenges: asked on the loopback, $shown answered ${answer##*
}"
  done
  rm -f "$challenges/$file"
}

# run_certbot ARGUMENTS…: until it has ended, or has been ended. Sets `code`, and `overdue` where it took too long. It
# outlives this program where that is killed, and has no lock of ours.
run_certbot() {
  rm -f "$LW_TRY/certbot.ended"
  (
    exec 7>&- 8>&- 9>&-
    "$certbot" "$@" >> "$certbot_log" 2>&1 < /dev/null &
    echo $! > "$LW_TRY/certbot.pid"
    wait $!
    code=$?
    : > "$LW_TRY/certbot.ended"
    exit "$code"
  ) 2> /dev/null &
  runner=$! signal=TERM code=1
  until [ -e "$LW_TRY/certbot.ended" ]; do
    tell_words certificate
    if [ "$(uptime_cs)" -ge "$deadline" ]; then
      overdue=yes
      pid=$(cat "$LW_TRY/certbot.pid" 2> /dev/null)
      # It has ended, and nobody was left to say so.
      grep -qs certbot "/proc/$pid/cmdline" || break
      kill -s "$signal" "$pid" 2> /dev/null
      # It cleans up after itself where it can.
      deadline=$((deadline + 1000)) signal=KILL
    fi
    nap 20
  done
  if [ -e "$LW_TRY/certbot.ended" ]; then
    wait "$runner"
    code=$?
  fi
  tell_words certificate
}

# What nginx will read: certbot may have put what it got elsewhere.
check_got() {
  openssl x509 -in "$1" -noout -checkend 0 > /dev/null 2>&1 || return
  for name in $hostnames; do
    case $(openssl x509 -in "$1" -noout -checkhost "$name" 2> /dev/null) in *'does match'*) ;; *) return 1 ;; esac
  done
}
