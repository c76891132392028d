"""Whether a job that is queued now would be done.

Asking the workers themselves (`control.ping`) waits as long as its timeout, each time. Instead the worker leaves a
sign of life that expires; it comes out of the loop that takes jobs from Redis, so a worker that hangs or has lost
Redis gives none.
"""

from celery import bootsteps
from redis import Redis, RedisError

URL = "redis://127.0.0.1:6379/0"
KEY = "addie:worker"
EVERY_SECONDS = 0.25
EXPIRES_SECONDS = 5

client = Redis.from_url(URL, socket_connect_timeout=1, socket_timeout=1)


class Heartbeat(bootsteps.StartStopStep):
    requires = {"celery.worker.consumer.tasks:Tasks"}
    timer = None

    def start(self, consumer):
        self.beat(consumer)
        self.timer = consumer.timer.call_repeatedly(EVERY_SECONDS, self.beat, (consumer,))

    def stop(self, consumer):
        if self.timer is not None:
            self.timer.cancel()

    def beat(self, consumer):
        try:
            client.set(KEY, consumer.hostname, ex=EXPIRES_SECONDS)
        except RedisError as error:
            print(f"no sign of life can be left: {error}", flush=True)


def state():
    """What is well and what is not, by part; `True` first when all is."""
    try:
        worker = client.get(KEY)
    except RedisError:
        return False, {"redis": "does not answer", "worker": "unknown"}
    if worker is None:
        return False, {"redis": "ok", "worker": "gives no sign of life"}
    return True, {"redis": "ok", "worker": "ok"}
