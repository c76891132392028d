# What a program that answers a question prints: one line a fact, `name<TAB>value…`.
# shellcheck disable=SC2034 # read by what is appended
tab=$(printf '\t')
fact() {
  name=$1
  shift
  printf '%s' "$name"
  for value; do printf '\t%s' "$value"; done
  echo
}
refused() { # ACCOUNT
  fact refused "$1"
  fact answered yes
}
