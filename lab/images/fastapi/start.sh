#!/bin/sh
set -e
module=main
[ ! -f /app/app/main.py ] || module=app.main
exec gunicorn -k uvicorn.workers.UvicornWorker --bind "0.0.0.0:${PORT:-80}" --workers 2 "$module:app"
