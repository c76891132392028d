"""Serves the calendar of nights: static pages that were made elsewhere, and what is in the data of a night."""

import argparse
import os

from flask import Flask, abort, jsonify, redirect, send_from_directory

from version import VERSION

parser = argparse.ArgumentParser()
parser.add_argument("-s", "--static", default="./static")
parser.add_argument("-d", "--data", default="./data")
# uWSGI hands on `--pyargv` as one word.
args, _ = parser.parse_known_args()
STATIC, DATA = (os.path.abspath(path.strip()) for path in (args.static, args.data))

app = Flask(__name__, static_folder=None)


@app.get("/")
def calendar():
    return redirect("nights.html")


@app.get("/<path:page>")
def page(page):
    return send_from_directory(STATIC, page)


@app.get("/nights/<night>/exposures")
def exposures(night):
    """The files of a night, as they lie in the data folder at this moment."""
    folder = os.path.join(DATA, night)
    if not night.isdigit() or not os.path.isdir(folder):
        abort(404)
    return jsonify(night=night, exposures=sorted(os.listdir(folder)))


@app.route("/version", methods=["GET", "POST"])
def version():
    """Which version answers; also to a POST, which nothing in between may send twice."""
    return f"{VERSION}\n", {"content-type": "text/plain; charset=utf-8"}


@app.get("/ping")
def ping():
    """Well when the three code folders are there to be imported, and calendar and data can be read."""
    unwell = [name for name in ("nightwatch", "desimodel", "desiutil") if not importable(name)]
    unwell += [folder for folder in (STATIC, DATA) if not os.access(folder, os.R_OK | os.X_OK)]
    state = {"status": "unwell" if unwell else "ok", "unwell": unwell, "version": VERSION}
    return jsonify(**state, uid=os.getuid(), gid=os.getgid()), 503 if unwell else 200


def importable(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True
