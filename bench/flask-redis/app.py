"""Counts visits in Redis."""

import os

from flask import Flask
from redis import Redis

app = Flask(__name__)
redis = Redis(host=os.environ.get("REDIS_HOST", "redis"))


@app.get("/healthz")
def healthz():
    redis.ping()
    return {"status": "ok"}


@app.get("/")
def index():
    return {"visits": redis.incr("visits")}
