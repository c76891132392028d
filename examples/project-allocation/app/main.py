import os

from flask import Flask, jsonify, redirect, render_template, request, url_for
from redis import Redis, RedisError
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job

import jobs
from allocation import MAX_SECONDS, BadInput, checked
from version import VERSION

URL = os.environ.get("REDIS_URL", "redis://redis:6379/0")
# Without Redis a request is refused after a moment, instead of waiting for it.
connection = Redis.from_url(URL, socket_connect_timeout=1, socket_timeout=2)
queue = Queue(connection=connection)

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 200_000


@app.get("/")
def index():
    return render_template("index.html", version=VERSION)


@app.post("/jobs")
def submit():
    form = request.form
    try:
        data = {
            "projects": {name: int(places) for name, places in pairs(form.get("projects", ""))},
            "people": {name: [wish.strip() for wish in wishes.split(",")] for name, wishes in pairs(form.get("people", ""))},
            "seconds": float(form.get("seconds") or 0),
        }
    except ValueError:
        raise BadInput("each line must be a name, a colon, and a number of places or a list of wishes") from None
    return redirect(url_for("page", id=enqueue(data).id), code=303)


@app.get("/jobs/<uuid:id>")
def page(id):
    return render_template("job.html", version=VERSION, job=found(id))


@app.post("/api/jobs")
def queue_job():
    job = enqueue(request.get_json())
    return jsonify(id=job.id, result=url_for("answer", id=job.id)), 202


@app.get("/api/jobs/<uuid:id>")
def answer(id):
    return jsonify(found(id))


@app.route("/api/version", methods=["GET", "POST"])
def version():
    """Which version answers; also to a POST, which nothing in between may send twice."""
    return f"{VERSION}\n", {"content-type": "text/plain; charset=utf-8"}


@app.get("/health")
def health():
    try:
        workers = Worker.count(connection=connection)
    except RedisError:
        return jsonify(status="unwell", redis="does not answer", version=VERSION), 503
    return jsonify(status="ok", redis="ok", workers=workers, version=VERSION)


def pairs(text):
    return [(name.strip(), rest.strip()) for name, rest in (line.split(":", 1) for line in text.splitlines() if line.strip())]


def enqueue(data):
    return queue.enqueue(jobs.run, *checked(data), job_timeout=MAX_SECONDS + 60, result_ttl=3600)


def found(id):
    try:
        job = Job.fetch(str(id), connection=connection)
    except NoSuchJobError:
        return {"id": str(id), "status": "unknown", "result": None}
    return {"id": job.id, "status": job.get_status().value, "result": job.return_value()}


@app.errorhandler(BadInput)
def refused(error):
    return jsonify(error=str(error)), 400


@app.errorhandler(RedisError)
def without_redis(_):
    return jsonify(error="jobs cannot be taken at the moment"), 503
