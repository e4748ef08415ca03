"""A plan as Markdown for people, and back: what goes out and comes back is equal, digest included.

Texts of one line stand in lists, texts of several lines in quotes; `markdown_sections` gives both back unchanged.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from phasegate.documents.base import MAX_PARENTS, Digest, Frozen, MadeBy, Number, RunId, canonical_json
from phasegate.documents.markdown_sections import Section, Sections, bullets, quote
from phasegate.documents.parsing import ENVELOPE_BYTES, DocumentError, field_errors, parse_model, shown
from phasegate.documents.plan import Plan, PlanPayload, Task

MAX_MARKDOWN_BYTES = 256 * 1024
_MARK = "<!-- phasegate:plan "
_FILE = re.compile(r"(create|modify|delete) `(.+)`")
_FACT = re.compile(r"(complexity|check|depends on): (.+)")
_TASK = re.compile(r"(T[1-9][0-9]?): (.+)")
_EDGE = re.compile(r"(.+?) → (.+)")
_TURNS = re.compile(r"([0-9]{1,9}) turns: (.+)")


class PlanEnvelope(Frozen):
    """What a rendered plan says of itself, in a comment that Markdown does not show."""

    digest: Digest
    made_by: MadeBy
    parents: tuple[Digest, ...] = Field(max_length=MAX_PARENTS)
    revision: Number
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
    blocks = [f"# Plan: {payload.title}", "## Overview", quote(payload.overview)]
    blocks += ["## Prerequisites", bullets(payload.prerequisites), "## Tasks"]
    blocks += [block for task in payload.tasks for block in _task_blocks(task)]
    blocks += ["## Edge cases", bullets(edges), "## Verification", bullets(payload.verification)]
    blocks += ["## Documentation", bullets(payload.documentation), "## Questions", bullets(payload.questions)]
    blocks += ["## Estimate", bullets([f"{payload.estimate.turns} turns: {payload.estimate.reason}"])]
    return "\n\n".join(blocks) + "\n"


def _task_blocks(task: Task) -> Iterator[str]:
    yield f"### {task.id}: {task.title}"
    after = ", ".join(task.depends_on) or "none"
    yield bullets([f"complexity: {task.complexity}", f"check: {task.check or 'none'}", f"depends on: {after}"])
    yield "#### Files"
    yield bullets([f"{file.op} `{file.path}`" for file in task.files])
    yield "#### What to do"
    yield quote(task.description)
    yield "#### Success criteria"
    yield bullets(task.success_criteria)


def parse_plan(text: str) -> ParsedPlan:
    """Return the plan in Markdown of the form of `render_plan` or of PLAN_TEMPLATE.md.

    Raises `DocumentError` naming the heading and the line, or the field, where it stops being one.
    """
    text = _plain(text)
    sections = Sections(text)
    try:
        payload = PlanPayload.model_validate_json(json.dumps(_payload(sections)))
    except ValidationError as error:
        raise DocumentError("The plan cannot be used: " + "; ".join(field_errors(error)) + ".") from None
    sections.expect_end()
    size = len(canonical_json(payload.model_dump(mode="json")))
    if size > Plan.max_bytes:
        raise DocumentError(f"The plan has {size} bytes, {Plan.max_bytes} are allowed: say less.")
    return ParsedPlan(payload=payload, envelope=_envelope(text))


def _plain(text: str) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise DocumentError(f"The plan cannot be read at line {line}: it is not UTF-8.") from None
    if size > MAX_MARKDOWN_BYTES:
        raise DocumentError(f"The plan has {size} bytes, {MAX_MARKDOWN_BYTES} are allowed.")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _envelope(text: str) -> PlanEnvelope | None:
    first = text.split("\n", 1)[0].rstrip()
    if not first.startswith(_MARK):
        return None
    mark = first.removeprefix(_MARK).removesuffix(" -->")
    try:
        return parse_model(mark.encode(), PlanEnvelope, max_bytes=ENVELOPE_BYTES)
    except DocumentError as error:
        raise DocumentError(f"The plan cannot be read at line 1, where it says what it is: {error.what}") from None


def _payload(sections: Sections) -> dict[str, Any]:
    title = sections.take(1)
    title.nothing()
    payload: dict[str, Any] = {"title": title.heading.removeprefix("Plan:").strip()}
    payload["overview"] = sections.take(2, "Overview").text()
    payload["prerequisites"] = sections.take(2, "Prerequisites").items()
    sections.take(2, "Tasks").nothing()
    payload["tasks"] = list(_tasks(sections))
    edges = sections.take(2, "Edge cases")
    payload["edge_cases"] = [_edge(item, edges.line) for item in edges.items()]
    for name in ("Verification", "Documentation", "Questions"):
        payload[name.lower()] = sections.take(2, name).items()
    payload["estimate"] = _estimate(sections.take(2, "Estimate"))
    return payload


def _tasks(sections: Sections) -> Iterator[dict[str, Any]]:
    while sections.next_level() == 3:  # noqa: PLR2004 -- headings of level 3 are the tasks
        head = sections.take(3)
        named = _match(_TASK, head.heading, head.line, "a task is headed `### T1: title`")
        task: dict[str, Any] = {"id": named[1], "title": named[2], **_facts(head)}
        files = sections.take(4, "Files")
        task["files"] = [_file(item, files.line) for item in files.items()]
        task["description"] = sections.take(4, "What to do").text()
        task["success_criteria"] = sections.take(4, "Success criteria").items()
        yield task


def _facts(head: Section) -> dict[str, Any]:
    matches = [_match(_FACT, item, head.line, "a task has `- complexity: …`") for item in head.items()]
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


def _edge(item: str, line: int) -> dict[str, str]:
    found = _match(_EDGE, item, line, "an edge case is `- case → handling`")
    return {"case": found[1], "handling": found[2]}


def _estimate(section: Section) -> dict[str, Any]:
    found = _match(_TURNS, " ".join(section.items()), section.line, "an estimate is `- 20 turns: reason`")
    return {"turns": int(found[1]), "reason": found[2]}


def _match(pattern: re.Pattern[str], text: str, line: int, form: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if found is None:
        raise DocumentError(f"The plan cannot be read at “{shown(text)}” (line {line}): {form}.")
    return found
