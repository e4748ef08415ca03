"""A plan as Markdown for people, and back: what goes out and comes back is equal, digest included.

The structure (headings, lists, quotes) is read by a CommonMark parser; the words are taken from the source lines that
it names, so that nothing inside them has to be escaped. Texts of several lines stand in block quotes for that reason.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import ValidationError

from phasegate.documents.base import Digest, Frozen, MadeBy, RunId, canonical_json
from phasegate.documents.parsing import DocumentError, field_errors, parse_model
from phasegate.documents.plan import EdgeCase, Estimate, Plan, PlanPayload, Task

MAX_MARKDOWN_BYTES = 256 * 1024
_MARK = "<!-- phasegate:plan "
_FILE = re.compile(r"(create|modify|delete) `(.+)`")
_FACT = re.compile(r"(complexity|check|depends on): (.+)")
_TASK = re.compile(r"(T[1-9][0-9]?): (.+)")
_EDGE = re.compile(r"(.+?) → (.+)")
_TURNS = re.compile(r"([0-9]+) turns: (.+)")
_NONE = "None."


class PlanEnvelope(Frozen):
    """What a rendered plan says of itself, in a comment that Markdown does not show."""

    digest: Digest
    made_by: MadeBy
    parents: tuple[Digest, ...]
    revision: int
    run: RunId


@dataclass(frozen=True, slots=True)
class ParsedPlan:
    """A plan read from Markdown; `envelope` is None where a person wrote it from the template."""

    payload: PlanPayload
    envelope: PlanEnvelope | None

    def plan(self) -> Plan | None:
        """Return the very plan that was rendered, or None if it was edited, or never was one of ours."""
        if self.envelope is None:
            return None
        known = self.envelope
        same = Plan(
            run=known.run, parents=known.parents, made_by=known.made_by, revision=known.revision, payload=self.payload
        )
        return same if same.digest == known.digest else None


def render_plan(plan: Plan) -> str:
    """Return the plan as Markdown, with its envelope in a comment on the first line."""
    envelope = PlanEnvelope(
        digest=plan.digest, made_by=plan.made_by, parents=plan.parents, revision=plan.revision, run=plan.run
    )
    mark = canonical_json(envelope.model_dump(mode="json")).decode()
    return f"{_MARK}{mark} -->\n\n{render_payload(plan.payload)}"


def render_payload(payload: PlanPayload) -> str:
    """Return the Markdown of a plan without an envelope."""
    edges = [f"{edge.case} → {edge.handling}" for edge in payload.edge_cases]
    blocks = [f"# Plan: {payload.title}", "## Overview", _quote(payload.overview)]
    blocks += ["## Prerequisites", _bullets(payload.prerequisites), "## Tasks"]
    blocks += [block for task in payload.tasks for block in _task_blocks(task)]
    blocks += ["## Edge cases", _bullets(edges), "## Verification", _bullets(payload.verification)]
    blocks += ["## Documentation", _bullets(payload.documentation), "## Questions", _bullets(payload.questions)]
    blocks += ["## Estimate", _bullets([f"{payload.estimate.turns} turns: {payload.estimate.reason}"])]
    return "\n\n".join(blocks) + "\n"


def _task_blocks(task: Task) -> Iterator[str]:
    yield f"### {task.id}: {task.title}"
    after = ", ".join(task.depends_on) or "none"
    yield _bullets([f"complexity: {task.complexity}", f"check: {task.check or 'none'}", f"depends on: {after}"])
    yield "#### Files"
    yield _bullets([f"{file.op} `{file.path}`" for file in task.files])
    yield "#### What to do"
    yield _quote(task.description)
    yield "#### Success criteria"
    yield _bullets(task.success_criteria)


def _bullets(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items) or _NONE


def _quote(text: str) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in text.split("\n"))


@dataclass(frozen=True, slots=True)
class _Section:
    level: int
    heading: str
    line: int
    items: tuple[str, ...]
    quote: str


def parse_plan(text: str) -> ParsedPlan:
    """Return the plan in Markdown of the form of `render_plan` or of PLAN_TEMPLATE.md.

    Raises `DocumentError` naming the heading and the line where it stops being one.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_MARKDOWN_BYTES:
        raise DocumentError(f"The plan has more than {MAX_MARKDOWN_BYTES} bytes.")
    text = text.replace("\r\n", "\n")
    sections = _Sections(list(_sections(text)))
    try:
        payload = PlanPayload.model_validate_json(json.dumps(_payload(sections)))
    except ValidationError as error:
        raise DocumentError("The plan cannot be used: " + "; ".join(field_errors(error)) + ".") from None
    sections.expect_end()
    return ParsedPlan(payload=payload, envelope=_envelope(text))


def _envelope(text: str) -> PlanEnvelope | None:
    first = text.split("\n", 1)[0]
    if not first.startswith(_MARK):
        return None
    mark = first.removeprefix(_MARK).removesuffix(" -->")
    return parse_model(mark.encode(), PlanEnvelope, max_bytes=8192)


def _payload(sections: "_Sections") -> dict[str, Any]:
    title = sections.take(1)
    payload: dict[str, Any] = {"title": title.heading.removeprefix("Plan:").strip()}
    payload["overview"] = sections.take(2, "Overview").quote
    payload["prerequisites"] = sections.take(2, "Prerequisites").items
    sections.take(2, "Tasks")
    payload["tasks"] = list(_tasks(sections))
    payload["edge_cases"] = [_edge(item) for item in sections.take(2, "Edge cases").items]
    for name in ("Verification", "Documentation", "Questions"):
        payload[name.lower()] = sections.take(2, name).items
    payload["estimate"] = _estimate(sections.take(2, "Estimate"))
    return payload


def _tasks(sections: "_Sections") -> Iterator[dict[str, Any]]:
    while sections.next_level() == 3:  # noqa: PLR2004 -- headings of level 3 are the tasks
        head = sections.take(3)
        named = _match(_TASK, head.heading, head.line, "a task is headed `### T1: title`")
        task: dict[str, Any] = {"id": named[1], "title": named[2], **_facts(head)}
        files = sections.take(4, "Files")
        task["files"] = [_file(item, files.line) for item in files.items]
        task["description"] = sections.take(4, "What to do").quote
        task["success_criteria"] = sections.take(4, "Success criteria").items
        yield task


def _facts(head: _Section) -> dict[str, Any]:
    matches = [_match(_FACT, item, head.line, "a task has `- complexity: …`") for item in head.items]
    found = {match[1]: match[2] for match in matches}
    check, after = found.get("check", "none"), found.get("depends on", "none")
    return {
        "complexity": found.get("complexity"),
        "check": None if check == "none" else check,
        "depends_on": [] if after == "none" else [name.strip() for name in after.split(",")],
    }


def _file(item: str, line: int) -> dict[str, str]:
    found = _match(_FILE, item, line, "a file is `- create|modify|delete `path``")
    return {"op": found[1], "path": found[2]}


def _edge(item: str) -> dict[str, str]:
    found = _match(_EDGE, item, 0, "an edge case is `- case → handling`")
    return EdgeCase(case=found[1], handling=found[2]).model_dump()


def _estimate(section: _Section) -> dict[str, Any]:
    found = _match(_TURNS, " ".join(section.items), section.line, "an estimate is `- 20 turns: reason`")
    return Estimate(turns=int(found[1]), reason=found[2]).model_dump()


def _match(pattern: re.Pattern[str], text: str, line: int, form: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        where = f" (line {line})" if line else ""
        raise DocumentError(f"The plan cannot be read at “{text[:80]}”{where}: {form}.")
    return found


class _Sections:
    """The sections in order; each is asked for by level and name."""

    def __init__(self, sections: list[_Section]) -> None:
        self._rest = sections

    def next_level(self) -> int:
        return self._rest[0].level if self._rest else 0

    def take(self, level: int, heading: str | None = None) -> _Section:
        wanted = f"{'#' * level} {heading or '…'}"
        if not self._rest:
            raise DocumentError(f"The plan ends too early: the heading `{wanted}` is missing.")
        found = self._rest.pop(0)
        if found.level != level or (heading is not None and found.heading != heading):
            raise DocumentError(
                f"The plan cannot be read at line {found.line}: `{'#' * found.level} {found.heading[:80]}` "
                f"stands where `{wanted}` is expected."
            )
        return found

    def expect_end(self) -> None:
        if self._rest:
            raise DocumentError(f"The plan goes on after its end, at line {self._rest[0].line}.")


def _sections(text: str) -> Iterator[_Section]:
    lines = text.split("\n")
    top = [token for token in MarkdownIt("commonmark").parse(text) if token.map and token.level <= 1]
    starts = [number for number, token in enumerate(top) if token.type == "heading_open" and token.level == 0]
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(top)
        yield _section(lines, top[start:end])


def _section(lines: list[str], tokens: list[Token]) -> _Section:
    head, rest = tokens[0], tokens[1:]
    raw = lines[_span(head)[0]].strip()
    items = tuple(_item(lines, token) for token in rest if token.type == "list_item_open")
    quotes = [_unquote(lines, token) for token in rest if token.type == "blockquote_open" and token.level == 0]
    return _Section(
        level=int(head.tag[1]),
        heading=raw.lstrip("#").strip(),
        line=_span(head)[0] + 1,
        items=items,
        quote="\n\n".join(quotes),
    )


def _span(token: Token) -> list[int]:
    return token.map or [0, 0]


def _item(lines: list[str], token: Token) -> str:
    start, end = _span(token)
    joined = " ".join(line.strip() for line in lines[start:end] if line.strip())
    return joined[1:].strip()


def _unquote(lines: list[str], token: Token) -> str:
    start, end = _span(token)
    bare = [line.lstrip().removeprefix(">").removeprefix(" ") for line in lines[start:end]]
    return "\n".join(bare).strip()
