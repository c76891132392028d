#!/bin/bash
# Redis, the web server and the worker in one container. It ends when the web server or the worker ends; whether Redis
# is well is asked at /healthz.
set -u
: "${SECRET_KEY:?is not set: sessions and forms are signed with it}"

redis-server --port 6379 --bind 127.0.0.1 --save '' --appendonly no --loglevel warning &
redis=$!
gunicorn -c gunicorn_config.py run:app &
web=$!
celery -A pdfitc.app.celery worker --loglevel=info --without-mingle --without-gossip &
worker=$!

# A shell that is the first process passes no signal on by itself: docker would wait ten seconds and kill all three.
# Redis goes last, since running jobs still write their results.
stop() {
  trap '' TERM INT
  kill -TERM "$web" "$worker" 2> /dev/null
  wait "$web" "$worker"
  kill -TERM "$redis" 2> /dev/null
  wait "$redis"
}
trap 'stop; exit 0' TERM INT

wait -n "$web" "$worker"
code=$?
echo "startup.sh: the web server or the worker has ended ($code)" >&2
stop
exit $((code == 0 ? 1 : code))
