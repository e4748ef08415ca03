"""Cuts `published.json` out of GitHub's own description of its API: the operations and events that the fake server has.

    npm install @octokit/openapi@23.0.2
    .venv/bin/python -m fakehub.make_published node_modules/@octokit/openapi/generated/api.github.com.json

(run in `tests/`). OpenAPI 3.0 is turned into JSON Schema 2020-12, prose and examples are left out, and objects are
closed: what GitHub has not published, the fake server may not send, and phasegate may not ask.
"""

import json
import sys
from pathlib import Path
from typing import Any

from fakehub import routes
from fakehub.published import EVENTS, PUBLISHED

Json = Any
_PROSE = {"description", "example", "examples", "title", "externalDocs", "x-github", "x-octokit", "x-multi-segment"}
_OPEN = {"basic-error", "validation-error", "validation-error-simple", "scim-error"}  # errors say more than is told
_JSON = "application/json"


class Cutter:
    """Takes schemas out of the description, and all that they refer to."""

    def __init__(self, description: dict[str, Json]) -> None:
        self._description = description
        self.schemas: dict[str, Json] = {}

    def operation(self, method: str, template: str) -> dict[str, Json]:
        """What an operation takes and gives."""
        operation = self._description["paths"][template][method.lower()]
        parameters = [self._resolve(parameter) for parameter in operation.get("parameters", [])]
        responses = {status: self._resolve(response) for status, response in operation["responses"].items()}
        return {
            "query": sorted(parameter["name"] for parameter in parameters if parameter["in"] == "query"),
            "request": self._body(operation.get("requestBody", {})),
            "responses": {status: self._body(response) for status, response in responses.items()},
        }

    def event(self, name: str) -> Json:
        """What an event's payload is."""
        return self._body(self._description["x-webhooks"][name]["post"]["requestBody"])

    def _resolve(self, thing: dict[str, Json]) -> dict[str, Json]:
        if "$ref" not in thing:
            return thing
        _, group, kind, name = thing["$ref"].split("/")
        return self._description[group][kind][name]

    def _body(self, holder: dict[str, Json]) -> Json:
        content = holder.get("content", {}).get(_JSON)
        return None if content is None else self._convert(content["schema"])

    def _convert(self, schema: Json, *, closed: bool = True) -> Json:
        if isinstance(schema, list):
            return [self._convert(part) for part in schema]
        if not isinstance(schema, dict):
            return schema
        if isinstance(schema.get("$ref"), str):
            return self._reference(schema["$ref"], closed=closed)
        made = {key: self._member(key, value) for key, value in schema.items() if key not in {*_PROSE, "nullable"}}
        if closed and "properties" in made:
            made.setdefault("additionalProperties", False)
        return _nullable(made) if schema.get("nullable") else made

    def _member(self, key: str, value: Json) -> Json:
        if key == "properties":
            return {name: self._convert(part) for name, part in value.items()}
        if key == "allOf" and len(value) > 1:
            return [self._convert(part, closed=False) for part in value]
        return value if key in {"enum", "required", "default"} else self._convert(value)

    def _reference(self, reference: str, *, closed: bool) -> Json:
        name = reference.rpartition("/")[2]
        key = name if closed else f"{name} (open)"
        if key not in self.schemas:
            self.schemas[key] = {}  # stands in while its own references are followed
            schema = self._description["components"]["schemas"][name]
            self.schemas[key] = self._convert(schema, closed=closed and name not in _OPEN)
        return {"$ref": f"#/schemas/{key}"}


def _nullable(schema: dict[str, Json]) -> Json:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return schema | {"type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def main(source: str) -> None:
    description = json.loads(Path(source).read_text())
    cutter = Cutter(description)
    operations = {route.name: cutter.operation(route.method, route.template) for route in routes.ROUTES}
    events = {name: cutter.event(name) for name in EVENTS.values()}
    cut = {
        "source": "@octokit/openapi " + description["info"]["version"],
        "license": Path(source).parents[1].joinpath("LICENSE").read_text().split("\n\n"),
        "operations": operations,
        "events": events,
        "schemas": dict(sorted(cutter.schemas.items())),
    }
    PUBLISHED.write_text(_write(cut))


def _write(cut: dict[str, Json]) -> str:
    """The cut as JSON, one line for each operation and schema: changes can be read in a diff."""
    groups = []
    for group, value in cut.items():
        if isinstance(value, dict):
            lines = (f"  {json.dumps(name)}: {json.dumps(part, separators=(',', ':'))}" for name, part in value.items())
            groups.append(f" {json.dumps(group)}: {{\n" + ",\n".join(lines) + "\n }")
        else:
            groups.append(f" {json.dumps(group)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(groups) + "\n}\n"


if __name__ == "__main__":
    main(sys.argv[1])
