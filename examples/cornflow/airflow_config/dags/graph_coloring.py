"""As few colours as will do, so that no two neighbours have the same: an instance comes from cornflow, the solution goes there."""

from datetime import datetime

from airflow import DAG
from airflow.operators.python import PythonOperator

VERSION = "1.0.0"


def color(pairs, limit):
    """Which colour each node has."""
    import pulp

    nodes = sorted({node for pair in pairs for node in (pair["n1"], pair["n2"])})
    colors = range(len(nodes))
    has = pulp.LpVariable.dicts("has", [(node, one) for node in nodes for one in colors], cat="Binary")
    used = pulp.LpVariable.dicts("used", colors, cat="Binary")
    model = pulp.LpProblem("colors", pulp.LpMinimize)
    model += pulp.lpSum(used[one] for one in colors)
    for node in nodes:
        model += pulp.lpSum(has[node, one] for one in colors) == 1
    for pair in pairs:
        for one in colors:
            model += has[pair["n1"], one] + has[pair["n2"], one] <= used[one]
    if pulp.LpStatus[model.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=limit))] != "Optimal":
        raise ValueError("no colouring was found in time")
    return {node: next(one for one in colors if has[node, one].value() > 0.5) for node in nodes}


def solve(dag_run, **_):
    import requests
    from airflow.hooks.base import BaseHook

    # AIRFLOW_CONN_CF_URI in the environment of Airflow.
    cornflow = BaseHook.get_connection("CF_URI")
    server = f"http://{cornflow.host}:{cornflow.port or 80}"
    login = requests.post(f"{server}/login/", json={"username": cornflow.login, "password": cornflow.password}, timeout=30)
    login.raise_for_status()
    headers = {"Authorization": f"Bearer {login.json()['token']}"}
    address = f"{server}/dag/{dag_run.conf['exec_id']}/"
    asked = requests.get(address, headers=headers, timeout=30)
    asked.raise_for_status()
    execution = asked.json()
    try:
        colors = color(execution["data"]["pairs"], execution["config"].get("timeLimit", 60))
    except Exception:
        # Whoever asked shall not wait for ever.
        requests.put(address, headers=headers, json={"state": -1}, timeout=30)
        raise
    solution = {"assignment": [{"node": node, "color": one} for node, one in colors.items()], "solver": VERSION}
    answer = {"data": solution, "state": 1, "log_text": f"{len(set(colors.values()))} colours", "log_json": {}}
    requests.put(address, headers=headers, json=answer, timeout=30).raise_for_status()


with DAG("graph_coloring", tags=["model"], start_date=datetime(2020, 2, 1), schedule=None, catchup=False):
    PythonOperator(task_id="solve", python_callable=solve)
