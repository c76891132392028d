"""Queues a job as a user's program does, waits for its result and prints it: the way from the web server through
Redis to the worker and back. Run inside the container: `python check_job.py`.
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


# Silicon under copper radiation: its (111) planes are 3.1355 ångström apart.
job = ask("/api/jobs", {"wavelength": 1.5406, "angles": [28.4429]})
for _ in range(100):
    answer = ask(job["result"])
    if answer["state"] in ("SUCCESS", "FAILURE"):
        break
    time.sleep(0.1)
print(answer["state"], answer["spacings"])
