# The certificates that nginx is to present, as it sees them: until when they are good, and for whom. Part of observe.sh.
# Set by the client: LW_CHAINS (a line for each file)
# Needs is_there, of observe.sh.

# shellcheck disable=SC2086,SC2154 # $root is empty or words
look_at_tls() {
  [ -n "$LW_CHAINS" ] && command -v openssl > /dev/null || return 0
  printf '%s\n' "$LW_CHAINS" | while IFS= read -r chain; do
    is_there "$chain" || continue
    # In a container `seen` is what its links lead to.
    at=$chain ends=later
    [ -z "$box" ] || at="/proc/$top/root$seen"
    about=$($root openssl x509 -in "$at" -noout -enddate -ext subjectAltName 2> /dev/null | tr '\n\t' '  ')
    # What is no certificate nginx refuses in its own words.
    [ -n "$about" ] || continue
    $root openssl x509 -in "$at" -noout -checkend 604800 > /dev/null 2>&1 || ends=soon
    $root openssl x509 -in "$at" -noout -checkend 0 > /dev/null 2>&1 || ends=over
    fact tls "$chain" "$ends" "$about"
  done
}
