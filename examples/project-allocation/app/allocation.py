"""Gives each person a project, as near to their wishes as the places of the projects allow."""

import random
import time

MAX_PEOPLE = 500
MAX_SECONDS = 120


class BadInput(ValueError):
    """What a user sent cannot be allocated; the text says why."""


def checked(data):
    """Returns `(people, projects, seconds)`: wishes by person, places by project, how long the best is looked for."""
    if not isinstance(data, dict):
        raise BadInput("an object with people and projects is needed")
    people, projects, seconds = data.get("people"), data.get("projects"), data.get("seconds", 0)
    if not isinstance(projects, dict) or not all(is_count(places) for places in projects.values()):
        raise BadInput("projects must be names with numbers of places")
    if not isinstance(people, dict) or not 1 <= len(people) <= MAX_PEOPLE:
        raise BadInput(f"people must be 1 to {MAX_PEOPLE} names with their wishes")
    for name, wishes in people.items():
        if not isinstance(wishes, list) or not all(wish in projects for wish in wishes):
            raise BadInput(f"{name} wishes for a project that there is not")
    if sum(projects.values()) < len(people):
        raise BadInput(f"there are {sum(projects.values())} places for {len(people)} people")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= MAX_SECONDS:
        raise BadInput(f"seconds must be a number from 0 to {MAX_SECONDS}")
    return people, projects, seconds


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_PEOPLE


def allocate(people, projects, seconds):
    """Begins with who comes first, then swaps places for as long as that makes the whole happier, until time is up.

    Returns `(project by person, unhappiness)`: 0 when everybody has their first wish, one more for each wish further down.
    """
    chance = random.Random(1)
    deadline = time.monotonic() + seconds
    best = improved(in_order(list(people), people, projects), people, projects)
    while time.monotonic() < deadline and unhappiness(best, people) > 0:
        order = chance.sample(list(people), len(people))
        found = improved(in_order(order, people, projects), people, projects)
        best = min(best, found, key=lambda one: unhappiness(one, people))
        # A web server and a database want to run as well.
        time.sleep(0.001)
    # The time was asked for: whoever waits for a long job gets one.
    time.sleep(max(0, deadline - time.monotonic()))
    return dict(sorted(best.items())), unhappiness(best, people)


def in_order(order, people, projects):
    left = dict(projects)
    given = {}
    for person in order:
        open_wishes = [project for project in people[person] if left[project] > 0]
        project = (open_wishes or [project for project, places in left.items() if places > 0])[0]
        left[project] -= 1
        given[person] = project
    return given


def improved(given, people, projects):
    left = dict(projects)
    for project in given.values():
        left[project] -= 1
    better = True
    while better:
        better = False
        for person, wishes in people.items():
            for wish in wishes[: rank(person, given[person], people)]:
                if left[wish] > 0:
                    left[given[person]] += 1
                    left[wish] -= 1
                    given[person] = wish
                    better = True
                    break
        for one in people:
            for other in people:
                now = rank(one, given[one], people) + rank(other, given[other], people)
                if rank(one, given[other], people) + rank(other, given[one], people) < now:
                    given[one], given[other] = given[other], given[one]
                    better = True
    return given


def rank(person, project, people):
    wishes = people[person]
    return wishes.index(project) if project in wishes else len(wishes)


def unhappiness(given, people):
    return sum(rank(person, project, people) for person, project in given.items())
