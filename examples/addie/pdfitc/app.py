import os

from celery import Celery
from flask import Blueprint, Flask, jsonify, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFProtect
from kombu.exceptions import OperationalError
from redis import RedisError

from . import VERSION, bragg, health

celery = Celery("pdfitc", broker=health.URL, backend=health.URL)
celery.conf.update(
    task_track_started=True,
    result_expires=3600,
    broker_connection_retry_on_startup=True,
    # Without Redis a request is refused after a moment, instead of waiting for it.
    task_publish_retry_policy={"max_retries": 1},
    redis_socket_connect_timeout=1,
    result_backend_transport_options={"retry_policy": {"timeout": 1.0}},
)
celery.steps["consumer"].add(health.Heartbeat)

pages = Blueprint("pages", __name__)
api = Blueprint("api", __name__, url_prefix="/api")


@celery.task
def compute(wavelength, angles):
    return bragg.spacings(wavelength, angles)


@pages.get("/")
def index():
    return render_template("index.html", version=VERSION)


@pages.post("/jobs")
def submit():
    try:
        angles = [float(word) for word in request.form.get("angles", "").split()]
        data = {"wavelength": float(request.form.get("wavelength", "")), "angles": angles}
    except ValueError:
        raise bragg.BadInput("numbers are needed") from None
    job = compute.delay(*bragg.checked(data))
    return redirect(url_for("pages.result", job=job.id), code=303)


@pages.get("/jobs/<uuid:job>")
def result(job):
    return render_template("job.html", version=VERSION, job=job, **found(job))


@api.post("/jobs")
def queue():
    job = compute.delay(*bragg.checked(request.get_json()))
    return jsonify(id=job.id, result=url_for("api.answer", job=job.id)), 202


@api.post("/echo")
def echo():
    """Which version answers, and how much of a request reached it: shows what stands in between."""
    return f"{VERSION}\n{len(request.get_data())} bytes\n", {"content-type": "text/plain; charset=utf-8"}


@api.get("/jobs/<uuid:job>")
def answer(job):
    return jsonify(found(job))


def found(job):
    """Celery knows no difference between a job that waits and one that never was: both are PENDING."""
    job = celery.AsyncResult(str(job))
    state = job.state
    return {"state": state, "spacings": job.result if state == "SUCCESS" else None}


def healthz():
    well, parts = health.state()
    return jsonify(status="ok" if well else "unwell", version=VERSION, **parts), 200 if well else 503


def add_security_headers(response):
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains; preload;"
    return response


def create():
    app = Flask("pdfitc")
    app.secret_key = os.environ["SECRET_KEY"]
    app.config.update(SESSION_COOKIE_SAMESITE="Lax", MAX_CONTENT_LENGTH=100_000)
    # The API reads no cookie, so no other site can act in a user's name there.
    CSRFProtect(app).exempt(api)
    app.register_blueprint(pages)
    app.register_blueprint(api)
    app.add_url_rule("/healthz", view_func=healthz)
    app.register_error_handler(bragg.BadInput, lambda error: (jsonify(error=str(error)), 400))
    for error in (OperationalError, RedisError):
        app.register_error_handler(error, lambda _: (jsonify(error="jobs cannot be taken at the moment"), 503))
    app.after_request(add_security_headers)
    return app
