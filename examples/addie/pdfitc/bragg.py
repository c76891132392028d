"""Distances between lattice planes, from the angles at which a powder diffracts."""

import math

MAX_ANGLES = 1000


class BadInput(ValueError):
    """What a user sent cannot be computed; the text says why."""


def checked(data):
    """Returns `(wavelength, angles)`: ångström, and degrees of 2θ."""
    if not isinstance(data, dict):
        raise BadInput("an object with wavelength and angles is needed")
    wavelength, angles = data.get("wavelength"), data.get("angles")
    if not is_number(wavelength) or not 0.01 <= wavelength <= 10:
        raise BadInput("wavelength must be a number from 0.01 to 10 ångström")
    if not isinstance(angles, list) or not 1 <= len(angles) <= MAX_ANGLES:
        raise BadInput(f"angles must be a list of 1 to {MAX_ANGLES} numbers")
    if not all(is_number(angle) and 0 < angle < 180 for angle in angles):
        raise BadInput("an angle must be a number of degrees between 0 and 180")
    return wavelength, angles


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def spacings(wavelength, angles):
    """Bragg's law, first order: d = λ / (2 sin θ)."""
    return [round(wavelength / (2 * math.sin(math.radians(angle) / 2)), 4) for angle in angles]
