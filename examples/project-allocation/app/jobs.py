"""What the worker does: it finds this module in its working directory, which is that of the web server as well."""

from allocation import allocate
from version import VERSION


def run(people, projects, seconds):
    given, unhappiness = allocate(people, projects, seconds)
    return {"allocation": given, "unhappiness": unhappiness, "version": VERSION}
