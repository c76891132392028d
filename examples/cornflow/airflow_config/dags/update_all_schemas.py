"""Tells cornflow what instances, solutions and configurations look like: the files NAME_input.json, _output.json and _config.json beside the DAGs."""

import json
from datetime import datetime
from pathlib import Path

from airflow import DAG
from airflow.models import Variable
from airflow.operators.python import PythonOperator


def update():
    folder = Path(__file__).parent
    for file in sorted(folder.glob("*_input.json")):
        name = file.name.removesuffix("_input.json")
        of = {kind: json.loads((folder / f"{name}_{kind}.json").read_text()) for kind in ("input", "output", "config")}
        schemas = {"instance": of["input"], "solution": of["output"], "config": of["config"]}
        Variable.set(name, {**schemas, "instance_checks": {}, "solution_checks": {}, "kpis": {}}, serialize_json=True)


with DAG("update_all_schemas", tags=["internal"], start_date=datetime(2020, 2, 1), schedule=None, catchup=False):
    PythonOperator(task_id="update_all_schemas", python_callable=update)

if __name__ == "__main__":
    update()
