"""Does what a user's program does: logs in, sends an instance, has it solved, and prints the solution. The way from
cornflow through Airflow's scheduler to the solver and back. Run inside the container: `python check_execution.py`.
"""

import os
import sys
import time

import requests

SERVER = "http://127.0.0.1:5000"
# A ring of five, which needs a third colour.
PAIRS = [{"n1": one, "n2": (one + 1) % 5} for one in range(5)]


def ask(method, path, **more):
    answer = requests.request(method, SERVER + path, timeout=10, **more)
    if not answer.ok:
        sys.exit(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json()


login = ask("POST", "/login/", json={"username": os.environ["CORNFLOW_ADMIN_USER"], "password": os.environ["CORNFLOW_ADMIN_PWD"]})
asked = {"headers": {"Authorization": f"Bearer {login['token']}"}}
problem = {"name": "a ring", "schema": "graph_coloring"}
instance = ask("POST", "/instance/", json={**problem, "data": {"pairs": PAIRS}}, **asked)
execution = ask("POST", "/execution/", json={**problem, "instance_id": instance["id"], "config": {"timeLimit": 30}}, **asked)
state = None
for _ in range(120):
    # Queued, running, or not yet known.
    state = ask("GET", f"/execution/{execution['id']}/status/", **asked)["state"]
    if state not in (0, -7):
        break
    time.sleep(0.5)
solution = ask("GET", f"/execution/{execution['id']}/data/", **asked)["data"]
if state != 1 or solution is None:
    sys.exit(f"the execution ended with state {state}")
colors = {one["node"]: one["color"] for one in solution["assignment"]}
if any(colors[pair["n1"]] == colors[pair["n2"]] for pair in PAIRS):
    sys.exit(f"neighbours have one colour: {colors}")
print(f"solved with {len(set(colors.values()))} colours by {solution['solver']}")
