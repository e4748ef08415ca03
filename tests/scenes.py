"""What the model says in small runs, scene by scene, as dictionaries for `stage.write_script`.

`SMALL` is a repository of three texts, and its gate says no as long as one of them is broken. `everything()` is a run
on it with two tasks side by side, a blocked one, a failing gate and a review that wants changes.
"""

from collections.abc import Mapping

OPUS, SONNET, HAIKU = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"
CONFIG = """research: {scouts: 1}
gates:
  test: {run: 'sh check.sh', minutes: 1}
"""
SMALL: Mapping[str, str] = {
    ".github/phasegate.yml": CONFIG,
    "a.txt": "old a\n",
    "b.txt": "old b\n",
    "check.sh": "echo checking; if grep -l broken *.txt; then exit 1; fi\n",
}
ISSUE = "Make the texts new\n\nAll of them, please."

Scene = dict[str, object]
Call = dict[str, object]


def turn(*calls: Call, **more: object) -> dict[str, object]:
    """One turn of the model: its calls, or `say="…"`, with any other key of a turn."""
    return ({"call": list(calls)} if calls else {}) | more


def scene(name: str, when: Mapping[str, object], *turns: dict[str, object]) -> Scene:
    """One conversation."""
    return {"name": name, "when": dict(when), "turns": list(turns)}


def submit(**payload: object) -> Call:
    return {"submit": payload}


def write(path: str, text: str) -> Call:
    """Write a file with the editor."""
    return {"str_replace_based_edit_tool": {"command": "create", "path": path, "file_text": text}}


def shell(command: str) -> Call:
    return {"bash": {"command": command}}


def scout(name: str = "scout", *, status: str = "success", **more: object) -> Scene:
    """A scout; there is one in a small run."""
    answer = submit(status=status, summary="Three texts, one gate.", details="a.txt:1, b.txt:1")
    return scene(name, {"model": HAIKU}, turn(answer, **more))


def findings(**changes: object) -> dict[str, object]:
    code = [{"path": "a.txt", "first_line": 1, "last_line": 1, "why": "it is old"}]
    return {"asked": "New texts.", "code": code} | changes


def research(**more: object) -> Scene:
    return scene("research", {"model": OPUS, "system": "You are the researcher"}, turn(submit(**findings()), **more))


def task(id_: str, files: Mapping[str, str], **changes: object) -> dict[str, object]:
    """One task; `files` gives what happens to each path."""
    known = {
        "id": id_,
        "title": f"Do {id_}",
        "files": [{"path": path, "op": op} for path, op in files.items()],
        "description": f"Do what {id_} says.",
        "success_criteria": [f"{id_} is done"],
        "check": "test",
        "depends_on": [],
        "complexity": "small",
    }
    return known | changes


def plan_payload(*tasks: dict[str, object], **changes: object) -> dict[str, object]:
    known = {
        "title": "New texts",
        "overview": "The texts become new.",
        "prerequisites": [],
        "tasks": list(tasks or (task("T1", {"new.txt": "create"}),)),
        "edge_cases": [],
        "verification": ["read them"],
        "documentation": [],
        "questions": [],
        "estimate": {"turns": 5, "reason": "small"},
    }
    return known | changes


def planner(*tasks: dict[str, object], name: str = "plan", when: Mapping[str, object] | None = None, **more: object):
    """The planner hands in a plan of these tasks, the first time it is asked."""
    held = {"model": OPUS, "system": "You are the planner"} | dict(when or {})
    return scene(name, held, turn(submit(**plan_payload(*tasks)), **more))


def done(criterion: str, summary: str = "It is done.") -> Call:
    return submit(summary=summary, criteria=[{"criterion": criterion, "met": True, "evidence": "seen"}])


def executor(
    id_: str, *calls: Call, name: str | None = None, when: Mapping[str, object] | None = None, **more: object
) -> Scene:
    """The executor of a task: these calls in a first turn, then the task is handed in."""
    also = dict(when or {})
    first = [f"Your task is {id_}", *also.pop("first", [])]
    held = {"model": SONNET, "first": first} | also
    finish = turn(done(f"{id_} is done", f"{id_} is done."))
    return scene(name or f"implement-{id_}", held, turn(*calls, **more), finish)


def blocked(id_: str, *, name: str | None = None, when: Mapping[str, object] | None = None, **more: object) -> Scene:
    """The executor of a task says that it cannot be done."""
    also = dict(when or {})
    held = {"model": SONNET, "first": [f"Your task is {id_}", *also.pop("first", [])]} | also
    report = {"report_blocked": {"reason": f"{id_} cannot be done", "evidence": "nothing fits"}}
    return scene(name or f"blocked-{id_}", held, turn(report, **more))


def corrector(*tasks: dict[str, object], name: str = "correct", when: Mapping[str, object] | None = None, **more):
    """The planner's colleague who corrects the course."""
    held = {"model": OPUS, "system": "You correct the course"} | dict(when or {})
    return scene(name, held, turn(submit(**plan_payload(*tasks)), **more))


def repair(name: str, first: list[str], *calls: Call, **more: object) -> Scene:
    """The executor of a repair whose report holds these words."""
    held = {"model": SONNET, "first": ["something is not right yet", *first]}
    return scene(name, held, turn(*calls, **more), turn(done("what the report names is repaired")))


def reviewer(verdict: str = "approve", *, name: str = "review", when: Mapping[str, object] | None = None, **more):
    """The reviewer; `changes` come with one finding."""
    held = {"model": OPUS, "system": "You are the reviewer"} | dict(when or {})
    finding = {"path": "a.txt", "line": 1, "severity": "major", "message": "not polished"}
    payload = {
        "verdict": verdict,
        "fulfils_plan": verdict == "approve",
        "summary": f"I say {verdict}.",
        "findings": [] if verdict == "approve" else [finding],
    }
    return scene(name, held, turn(submit(**payload), **more))


def simple(**more: Mapping[str, object]) -> list[Scene]:
    """A run with one task and nothing out of the ordinary; `more` gives keys of the first turn of a scene."""
    return [
        scout(**more.get("scout", {})),
        research(**more.get("research", {})),
        planner(**more.get("plan", {})),
        executor("T1", write("new.txt", "new\n"), **more.get("implement", {})),
        reviewer(**more.get("review", {})),
    ]


def everything(**more: Mapping[str, object]) -> list[Scene]:
    """A run with all that can happen to it; `more` gives keys of the first turn of a scene, by its name."""
    first = task("T1", {"new.txt": "create"})
    beside = task("T2", {"b.txt": "modify"}, check=None)
    wrong = task("T3", {"a.txt": "modify"}, check=None, depends_on=["T1"], description="Do what cannot be done.")
    right = wrong | {"description": "Do what can be done."}
    extra = {name.replace("_", "-"): keys for name, keys in more.items()}
    return [
        scout(**extra.get("scout", {})),
        research(**extra.get("research", {})),
        planner(first, beside, wrong, **extra.get("plan", {})),
        executor("T1", write("new.txt", "new\n"), shell("cat new.txt"), **extra.get("implement-T1", {})),
        executor("T2", write("b.txt", "new b\n"), **extra.get("implement-T2", {})),
        executor("T3", write("a.txt", "broken\n"), when={"first": ["can be done"]}, **extra.get("implement-T3", {})),
        blocked("T3", **extra.get("blocked-T3", {})),
        corrector(first, beside, right, **extra.get("correct", {})),
        repair("polish", ["Verdict: changes"], write("a.txt", "polished\n"), **extra.get("polish", {})),
        repair("repair", ["exit code 1"], write("a.txt", "mended\n"), **extra.get("repair", {})),
        reviewer(name="review-again", when={"first": ["+polished"]}, **extra.get("review-again", {})),
        reviewer("changes", **extra.get("review", {})),
    ]
