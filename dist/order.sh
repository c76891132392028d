# The releases of this environment in the order in which they were recorded. Their names are by the clocks of those who deploy,
# which may be behind.
#
#   order                       release ids, a line each; those that an earlier launchway has recorded came before, by name

# in_order ORDER: reads names of releases, sorted, and prints them; those that are not in the text of the file come first.
in_order() {
  order=$1 awk '
    BEGIN { n = split(ENVIRON["order"], of); for (i = 1; i <= n; i++) at[of[i]] = i }
    !($1 in at) { print; next }
    { there[at[$1]] = $1 }
    END { for (i = 1; i <= n; i++) if (i in there) print there[i] }'
}
