"""Ends well when a worker of this very container takes jobs: a worker tells Redis where it runs."""

import os
import socket
import sys

from redis import Redis
from rq import Worker

connection = Redis.from_url(os.environ.get("REDIS_URL", "redis://redis:6379/0"), socket_timeout=2)
here = [worker.name for worker in Worker.all(connection=connection) if worker.hostname == socket.gethostname()]
print(f"workers here: {', '.join(here) or 'none'}")
sys.exit(0 if here else 1)
