"""Queues a job as a user's program does, waits for its result and prints it: the way from the web server through
Redis to the worker and back. Run inside the container of the web server: `python check_job.py`.
"""

import json
import time
import urllib.request

SERVER = "http://127.0.0.1:5000"


def ask(path, data=None):
    body = None if data is None else json.dumps(data).encode()
    asked = urllib.request.Request(SERVER + path, body, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=5) as answer:
        return json.load(answer)


# Both want the moon, where there is one place; who minds less goes to Mars.
job = ask("/api/jobs", {"projects": {"moon": 1, "mars": 2}, "people": {"ada": ["moon"], "ben": ["moon", "mars"]}})
for _ in range(100):
    answer = ask(job["result"])
    if answer["status"] in ("finished", "failed"):
        break
    time.sleep(0.1)
print(answer["status"], answer["result"] and answer["result"]["allocation"])
