"""A matrix, spread into the jobs it means.

Source: GitHub's reference of `jobs.<job_id>.strategy.matrix`, its rules for include and exclude.
"""

import itertools

from actions.workflow_language import Json, as_text

LIMIT = 256

Leg = dict[str, Json]


class MatrixError(Exception):
    """A matrix that GitHub refuses: the job fails before it starts."""


def expand(matrix: Json) -> list[Leg]:
    """The legs in GitHub's order. A matrix without a vector, or with an empty one, is an error, as on GitHub."""
    if not isinstance(matrix, dict):
        raise MatrixError("The matrix must be a mapping")
    vectors = {name: values for name, values in matrix.items() if name not in {"include", "exclude"}}
    for name, values in vectors.items():
        if not isinstance(values, list) or not values:
            raise MatrixError(f"Matrix vector '{name}' does not contain any values")
    legs = [leg for leg in _product(vectors) if not any(_agrees(leg, out) for out in matrix.get("exclude") or [])]
    legs = _included(legs, list(vectors), matrix.get("include") or [])
    if not 0 < len(legs) <= LIMIT:
        raise MatrixError(f"The matrix must define between 1 and {LIMIT} jobs, not {len(legs)}")
    return legs


def _product(vectors: dict[str, list[Json]]) -> list[Leg]:
    if not vectors:
        return []
    return [dict(zip(vectors, values, strict=True)) for values in itertools.product(*vectors.values())]


def _agrees(leg: Leg, part: Leg) -> bool:
    return all(name in leg and leg[name] == value for name, value in part.items())


def _included(legs: list[Leg], names: list[str], includes: list[Leg]) -> list[Leg]:
    """Each include extends the original legs whose vector values it does not contradict, or becomes a leg."""
    originals, extended, added = legs, [dict(leg) for leg in legs], []
    for include in includes:
        shared = {name: value for name, value in include.items() if name in names}
        matches = [index for index, leg in enumerate(originals) if _agrees(leg, shared)]
        for index in matches:
            extended[index].update(include)
        if not matches:
            added.append(dict(include))
    return extended + added


def leg_name(job: str, leg: Leg) -> str:
    """What GitHub calls a leg that has no name of its own."""
    values = [as_text(value) for value in leg.values() if not isinstance(value, (dict, list))]
    return f"{job} ({', '.join(values)})" if values else job
