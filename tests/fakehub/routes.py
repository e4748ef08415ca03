"""All REST routes of the fake server: importing the modules fills the table."""

from fakehub import rest_apps, rest_pulls, rest_refs, rest_releases, rest_repository, rest_threads
from fakehub.wire import ROUTES, Route, find_route

__all__ = [
    "ROUTES",
    "Route",
    "find_route",
    "rest_apps",
    "rest_pulls",
    "rest_refs",
    "rest_releases",
    "rest_repository",
    "rest_threads",
]
