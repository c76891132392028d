"""Once for each release, before anything of it serves: the passwords, the database and its migrations, the first users,
and what Airflow can solve. `cornflow service init` does it whenever a container starts, with a new key each time.
"""

import os
import sys
import time

import cornflow
from cornflow.app import create_app
from cornflow.commands import access_init_command, create_user_with_role, register_dag_permissions_command, register_deployed_dags_command
from cornflow.models import DeployedWorkflow
from cornflow.shared import db
from cornflow.shared.const import ADMIN_ROLE, SERVICE_ROLE
from cornflow.shared.validators import check_password_pattern
from cornflow_client.airflow.api import Airflow
from flask_migrate import upgrade
from sqlalchemy.exc import OperationalError

# Those of the documents, which everybody knows.
KNOWN = {"cornflow1234", "Cornflow_admin1234", "Service_user1234", "admin", "airflow", "cornflow"}
WITHIN_S = 180


def within(what, attempt):
    """The first answer of `attempt`, which may take a while to become one."""
    deadline = time.monotonic() + WITHIN_S
    while not (found := attempt()):
        if time.monotonic() > deadline:
            sys.exit(f"after {WITHIN_S} s: {what}")
        time.sleep(1)
    return found


def checked(name):
    password = os.environ[name]
    if password in KNOWN:
        sys.exit(f"{name} is a password of cornflow's documents: choose another")
    return password


def answers():
    try:
        return db.engine.execute("select 1")
    except OperationalError:
        return None


def schemas(client):
    """Of all that update_all_schemas has named, once Airflow has read the DAGs of that name."""
    named = {one["name"] for one in client.get_all_schemas()}
    read = {dag["dag_id"] for dag in client.get_model_dags().json()["dags"]}
    return {name: client.get_schemas_for_dag_name(name) for name in named} if named <= read else {}


users = [
    (os.environ["CORNFLOW_ADMIN_USER"], checked("CORNFLOW_ADMIN_PWD"), "admin", ADMIN_ROLE),
    (os.environ["CORNFLOW_SERVICE_USER"], checked("CORNFLOW_SERVICE_PWD"), "serviceuser", SERVICE_ROLE),
]
for name, password, *_ in users:
    fits, why = check_password_pattern(password)
    if not fits:
        sys.exit(f"the password of {name}: {why}")
url, user, password = os.environ["AIRFLOW_URL"], os.environ["AIRFLOW_USER"], checked("AIRFLOW_PWD")

app = create_app(os.environ["FLASK_ENV"])
with app.app_context():
    within("the database of DATABASE_URL does not answer", answers)
    upgrade(directory=os.path.join(os.path.dirname(cornflow.__file__), "migrations"))
    access_init_command(verbose=False)
    for name, password_of, role, number in users:
        create_user_with_role(name, f"{name}@cornflow.localhost", password_of, role, number, verbose=True)

    airflow = Airflow(url, user, password)
    within(f"Airflow does not answer at {url}, or has no scheduler", airflow.is_alive)
    found = within("Airflow has not read its DAGs", lambda: schemas(airflow))
    register_deployed_dags_command(url, user, password, verbose=True)
    # What was registered before may have another schema by now.
    for dag, of in found.items():
        DeployedWorkflow.get_one_object(dag).update({f"{kind}_schema": of[kind] for kind in ("instance", "solution", "config", "kpis")})
    register_dag_permissions_command(open_deployment=1, verbose=True)
    print(f"ready: {', '.join(sorted(found))}")
