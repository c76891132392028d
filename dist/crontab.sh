# What stands in a crontab of this application and environment: lines between two marks. Everything else there is
# somebody else's, also between the marks.
# Set by the client: LW_APP LW_ENVIRONMENT

# A crontab on standard input: its lines that are ours, without the marks.
cron_lines() {
  awk -v id="$LW_APP.$LW_ENVIRONMENT" '
    index($0, "# begin launchway " id ":") == 1 { inside = 1; next }
    $0 == "# end launchway " id { inside = 0 }
    inside && index($0, "/job.sh " id " ") { print }'
}

# cron_text LINES: the same crontab with these lines of ours (none: without) in the place of those it has.
cron_text() {
  LW_OWN=$1 awk -v id="$LW_APP.$LW_ENVIRONMENT" '
    function block() {
      if (is_put++ || ENVIRON["LW_OWN"] == "") return
      print "# begin launchway " id ": each deploy writes these lines anew"
      print ENVIRON["LW_OWN"]
      print "# end launchway " id
    }
    index($0, "# begin launchway " id ":") == 1 { block(); inside = 1; next }
    $0 == "# end launchway " id { inside = 0; next }
    inside && index($0, "/job.sh " id " ") { next }
    { print }
    END { block() }'
}
