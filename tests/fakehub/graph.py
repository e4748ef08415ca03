"""GraphQL: requests are executed by graphql-core on GitHub's published schema, with the fields that phasegate uses.

A field of the schema that nothing here resolves is a violation, never a silent null.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLError, GraphQLSchema, build_schema, execute_sync, parse, validate
from graphql.language import FieldNode, OperationDefinitionNode

from fakehub import graph_fields, graph_mutations
from fakehub.access import Token
from fakehub.calls import Call
from fakehub.graph_access import GraphError, Viewer
from fakehub.wire import ApiError, Reply

if TYPE_CHECKING:
    from fakehub.hub import FakeHub

SCHEMA = Path(__file__).parents[1] / "actions/node_modules/@octokit/graphql-schema/schema.graphql"
_MISSING = object()
_PAGE = 100


def has_schema() -> bool:
    """Whether GitHub's schema is here; it comes with `npm ci` in tests/actions."""
    return SCHEMA.exists()


def require_schema() -> None:
    """Skip the test when GitHub's schema is not here."""
    if not has_schema():
        pytest.skip("Node is missing: GitHub's GraphQL schema comes with `npm ci` in tests/actions")


@cache
def load_schema() -> GraphQLSchema:
    """GitHub's schema (about half a second, once in a process)."""
    schema = build_schema(SCHEMA.read_text(), assume_valid=True, no_location=True)
    for name in ("BigInt", "DateTime", "URI", "GitObjectID", "GitRefname"):
        assert name in schema.type_map, f"GitHub's schema has no {name} any more"
    return schema


def read_call(
    hub: "FakeHub", token: Token | None, refusal: ApiError | None, request: dict[str, Any]
) -> tuple[Call, Callable[[], Reply]]:
    """How a request is remembered, and how to carry it out."""
    if not has_schema():
        hub.published.violations.append(f"GraphQL needs {SCHEMA.name}: Node is missing, or `npm ci` was not run")
        raise ApiError(501, "The fake server has no GraphQL schema")
    call = Call("graphql", "POST", "/graphql", hub.graphql_url.removeprefix(hub.url), token and token.login, request)
    call.operation = _operation(request.get("query", ""))
    return call, lambda: refusal.reply if refusal else Reply(200, _execute(hub, token, request))


def _operation(query: str) -> str:
    """The kind and first field of a request, such as `mutation updateRefs`."""
    try:
        first = parse(query).definitions[0]
    except GraphQLError:
        return "unreadable"
    if not isinstance(first, OperationDefinitionNode) or not isinstance(first.selection_set.selections[0], FieldNode):
        return "unreadable"
    return f"{first.operation.value} {first.selection_set.selections[0].name.value}"


def _execute(hub: "FakeHub", token: Token, request: dict[str, Any]) -> dict[str, Any]:
    schema = load_schema()
    try:
        document = parse(request["query"])
    except GraphQLError as error:
        return _unfit(hub, [error])
    unfit = validate(schema, document)
    if unfit:
        return _unfit(hub, unfit)
    viewer = Viewer(hub, token)
    result = execute_sync(
        schema, document, _roots(viewer), variable_values=request.get("variables"),
        operation_name=request.get("operationName"), context_value=viewer,
        field_resolver=_resolve, type_resolver=lambda value, *_: value["__typename"],
    )  # fmt: skip
    errors = [_tell(hub, error) for error in result.errors or []]
    return {"data": result.data} | ({"errors": errors} if errors else {})


def _roots(viewer: Viewer) -> dict[str, Any]:
    return graph_fields.query_fields(viewer) | graph_mutations.mutation_fields(viewer)


def _resolve(source: dict[str, Any], info: Any, **arguments: Any) -> Any:
    value = source.get(info.field_name, _MISSING)
    if value is _MISSING:
        raise NotImplementedError(f"the fake server does not resolve {info.parent_type.name}.{info.field_name}")
    if "first" in info.parent_type.fields[info.field_name].args:
        _check_page(info.field_name, arguments)
    return value(arguments) if callable(value) else value


def _check_page(name: str, arguments: dict[str, Any]) -> None:
    sizes = [arguments[word] for word in ("first", "last") if arguments.get(word) is not None]
    if not sizes:
        text = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise GraphError("MISSING_PAGINATION_BOUNDARIES", text)
    if sizes[0] > _PAGE:
        raise GraphError("EXCESSIVE_PAGINATION", f"Requesting {sizes[0]} records on `{name}` exceeds {_PAGE} records.")


def _unfit(hub: "FakeHub", errors: list[GraphQLError]) -> dict[str, Any]:
    """A request that GitHub's schema does not know is a mistake of who asks."""
    hub.published.violations += [f"GraphQL: {error.message}" for error in errors]
    return {"errors": [{"message": error.message, "extensions": {"code": "undefinedField"}} for error in errors]}


def _tell(hub: "FakeHub", error: GraphQLError) -> dict[str, Any]:
    cause = error.original_error
    told = {"message": error.message, "path": error.path, "locations": error.formatted.get("locations", [])}
    if isinstance(cause, GraphError):
        return {"type": cause.kind} | told
    if isinstance(cause, ApiError):
        return {"type": "UNPROCESSABLE"} | told
    if not re.search(r"^Variable ", error.message):  # wrong variables are said to who asked; the rest is our own fault
        hub.published.violations.append(f"GraphQL: {error.message} at {error.path}")
    return told
