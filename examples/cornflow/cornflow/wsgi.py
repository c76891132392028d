"""What gunicorn serves: cornflow, and two addresses that its team has put beside."""

import os

from cornflow.app import create_app
from version import VERSION

app = create_app(os.environ["FLASK_ENV"])


@app.route("/version", methods=["GET", "POST"])
def version():
    """Which version answers; also to a POST, which nothing in between may send twice."""
    return f"{VERSION}\n", {"content-type": "text/plain; charset=utf-8"}


@app.get("/healthz")
def healthz():
    """/health/ answers 200 whatever it finds: here it is 503 unless the database and Airflow with its scheduler are well."""
    found = app.test_client().get("/health/").get_json()
    well = found.get("cornflow_status") == found.get("backend_status") == "healthy"
    return {**found, "version": VERSION}, 200 if well else 503
