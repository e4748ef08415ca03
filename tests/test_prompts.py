"""Prompts: each renders from real documents, gets exactly the variables it names, and says what it is given."""

import ast
from pathlib import Path

import jinja2
import pytest
from jinja2 import meta, nodes

import examples
import phasegate.phases
from examples import NOW, files, task, task_result_payload
from phasegate.agent.fence import Fence
from phasegate.documents.findings import Claim
from phasegate.documents.snapshot import Comment
from phasegate.doors.templates import Templates, template_directory

PROMPTS = template_directory() / "prompts"
NAMES = sorted(path.stem for path in PROMPTS.glob("*.j2"))
FENCE = Fence("0123456789abcdef")
PRIMER = FENCE.around("primer", "# Primer")
REPORTS = ("verify_report", "review_report")
"""What `f"{name}_report"` stands for in the phases: the phases that can ask for a repair."""


def render(name, **values):
    return Templates(template_directory()).render(f"prompts/{name}.j2", **values)


def variables(name):
    return meta.find_undeclared_variables(jinja2.Environment().parse((PROMPTS / f"{name}.j2").read_text("utf-8")))


def outputs(name):
    """The variables whose text the prompt shows."""
    tree = jinja2.Environment().parse((PROMPTS / f"{name}.j2").read_text("utf-8"))
    return (variable.name for output in tree.find_all(nodes.Output) for variable in output.find_all(nodes.Name))


def names_of(call):
    """The templates that a call of `prompt` renders."""
    first = call.args[0]
    return [first.value] if isinstance(first, ast.Constant) else list(REPORTS)


def calls():
    """Every call of `prompt` in the phases: (template, names of the values, whether it makes a system prompt)."""
    found = []
    for file in sorted(Path(phasegate.phases.__path__[0]).glob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        keywords = [keyword for node in ast.walk(tree) if isinstance(node, ast.Call) for keyword in node.keywords]
        systems = {id(keyword.value) for keyword in keywords if keyword.arg == "system"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "prompt":
                given = {keyword.arg for keyword in node.keywords}
                found += [(name, given, id(node) in systems) for name in names_of(node)]
    return found


def finding(**changes):
    return examples.findings(**changes).payload


COMMENT = Comment(author="ann", permission="write", at=NOW, body="A COMMENT")
CLAIM = (Claim(statement="A CLAIM", path="a.py"),)
BLOCKED = examples.blocked()
PLAN = examples.plan_payload()
FAILED = examples.gate_result(name="lint", exit_code=None, timed_out=True, tail="THE TAIL")
DONE = task_result_payload()

CASES = {
    "blocked": [
        ({"reports": (BLOCKED,)}, ["Task T1 is blocked", "there is no list command", "cli.py has 3 lines", "a search"]),
        ({"reports": (BLOCKED, examples.blocked(task="T2"))}, ["Task T1", "Task T2"]),
    ],
    "correct": [({}, ["You correct the course"])],
    "correct_task": [
        (
            {"plan": "PLAN!", "tasks": "T1, T2", "blocked": "WHY!", "finished": "none", "diff": "D!", "primer": PRIMER,
             "gates": "GATES!"},
            ["GATES!", "PLAN!", "Blocked: T1, T2", "WHY!", "D!", "# Primer"],
        ),
        (
            {"plan": "P", "tasks": "T1", "blocked": "W", "finished": "T2", "diff": "D", "primer": "", "gates": "G"},
            ["tasks: T2"],
        ),
    ],
    "findings": [
        ({"findings": finding()}, ["src/app/cli.py:1-20: the command", "instead of: orjson", "Indented or not?"]),
        ({"findings": finding(interfaces=CLAIM, tests=CLAIM, constraints=CLAIM, risks=CLAIM)}, ["Risks:\n- A CLAIM"]),
        ({"findings": finding(interfaces=(), tests=(), decisions=(), open_questions=())}, ["Code that matters"]),
    ],
    "implement": [
        ({"has_shell": True, "has_delete": True}, ["`bash` runs commands", "`delete` removes"]),
        ({"has_shell": False, "has_delete": False}, ["nothing can be executed"]),
    ],
    "implement_task": [
        (
            {"plan": PLAN, "task": task(), "command": "make test", "earlier": "T0: done", "files": "THE FILES",
             "primer": PRIMER},
            ["Your task is T1: Do T1", "- modify src/app/cli.py", "test, which runs `make test`", "T0: done",
             "THE FILES"],
        ),
        (
            {"plan": PLAN, "task": task(check=None), "command": "", "earlier": "", "files": "", "primer": ""},
            ["none but the success"],
        ),
    ],
    "issue": [
        ({"issue": examples.issue(body="", comments=(COMMENT, COMMENT))}, ["(no text)", "by ann (write)", "A COMMENT"]),
        ({"issue": examples.issue()}, ["# Add a --json flag", "should print JSON"]),
    ],
    "plan": [({"may_ask": True}, ["call `ask`"]), ({"may_ask": False}, ["Nobody can be asked"])],
    "plan_task": [
        (
            {
                "issue": "THE ISSUE",
                "findings": "FOUND",
                "primer": PRIMER,
                "gates": "test: make test",
                "plan": "THE PLAN BEFORE",
                "talk": "WHAT WAS SAID",
                "finished": "T1",
                "may_ask": False,
            },
            ["THE ISSUE", "FOUND", "make test", "THE PLAN BEFORE", "WHAT WAS SAID", "as they are: T1", "decide"],
        ),
        (
            {"issue": "I", "findings": "", "primer": "", "gates": "", "plan": "", "talk": "", "finished": "",
             "may_ask": True},
            ["The issue:\nI"],
        ),
    ],
    "primer": [({}, ["You write the primer"])],
    "primer_task": [
        ({"findings": "FOUND", "primer": PRIMER, "draft": "DRAFT", "talk": "TALK"}, ["FOUND", "DRAFT", "TALK"]),
        ({"findings": "FOUND", "primer": "", "draft": "", "talk": ""}, ["none yet"]),
    ],
    "repair_task": [
        (
            {"plan": PLAN, "evidence": "EVIDENCE", "diff": "DIFF", "earlier": "EARLIER", "files": "THE FILES",
             "scope": files(modify="a.py b.py"), "primer": PRIMER},
            ["EVIDENCE", "DIFF", "EARLIER", "THE FILES", "- modify a.py\n- modify b.py", "# Primer"],
        ),
        (
            {"plan": PLAN, "evidence": "E", "diff": "D", "earlier": "", "files": "", "scope": (), "primer": ""},
            ["what the report names"],
        ),
    ],
    "research": [({"has_scouts": True}, ["the tool `details`"]), ({"has_scouts": False}, ["search before you read"])],
    "research_task": [
        ({"issue": "THE ISSUE", "scouts": "S1 (success): x", "primer": PRIMER}, ["THE ISSUE", "S1 (success)"]),
        ({"issue": "I", "scouts": "", "primer": ""}, ["The issue:\nI"]),
    ],
    "results": [({"tasks": (DONE, DONE)}, ["T1: The flag is there.", "- met: prints", "described: another name"])],
    "review": [({}, ["You are the reviewer"])],
    "review_report": [
        ({"report": examples.review().payload}, ["Verdict: approve", "yes", "- minor, src/app/cli.py:3: a shorter"]),
        ({"report": examples.review(verdict="changes", fulfils_plan=False).payload}, ["Verdict: changes", "no."]),
    ],
    "review_task": [
        ({"plan": "P!", "results": "R!", "gates": "G!", "diff": "D!", "primer": PRIMER}, ["P!", "R!", "G!", "D!"]),
        ({"plan": "P", "results": "R", "gates": "G", "diff": "D", "primer": ""}, ["The plan:\nP"]),
    ],
    "scout": [({}, ["You are a scout"])],
    "scout_questions": [({}, ["Which files and functions"])],
    "scout_task": [
        ({"question": "WHERE?", "issue": "THE ISSUE", "primer": PRIMER}, ["WHERE?", "THE ISSUE", "# Primer"]),
        ({"question": "WHERE?", "issue": "I", "primer": ""}, ["Your question: WHERE?"]),
    ],
    "talk": [
        (
            {"documents": (examples.questions(), examples.feedback(verb="answer", text="JSON lines."))},
            ["Q1: Which format?", "you would have: JSON lines", "ann said (answer):\nJSON lines."],
        )
    ],
    "verify_report": [
        (
            {"report": examples.gate_report(gates=(examples.gate_result(), FAILED)).payload},
            ["Gate test (`make test`): passed, exit code 0, 1.5 s", "FAILED, timed out", "THE TAIL"],
        ),
        ({"report": examples.gate_report(gates=()).payload}, ["There are no gates."]),
    ],
}  # fmt: skip
"""For each template: values, as the phases give them, and what the prompt must say then."""


def test_every_prompt_has_a_case():
    assert sorted(CASES) == NAMES


@pytest.mark.parametrize(("name", "number"), [(name, number) for name in CASES for number in range(len(CASES[name]))])
def test_a_prompt_says_what_it_is_given(name, number):
    values, said = CASES[name][number]
    text = render(name, **values)

    assert [part for part in said if part not in text] == []
    assert not {"{{", "}}", "{%", "%}", "{#"} & {text[at : at + 2] for at in range(len(text))}
    assert "None" not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_case_gives_what_the_prompt_names_and_nothing_else(name):
    assert all(set(values) == variables(name) for values, _ in CASES[name])


@pytest.mark.parametrize("name", [name for name in NAMES if variables(name)])
def test_a_prompt_without_one_of_its_variables_is_an_error(name):
    for missing in variables(name):
        cases = [{key: value for key, value in values.items() if key != missing} for values, _ in CASES[name]]
        with pytest.raises(jinja2.UndefinedError, match=missing):
            [render(name, **values) for values in cases]


def test_every_prompt_is_used_and_every_call_names_a_prompt():
    assert {name for name, _, _ in calls()} == set(NAMES)


def test_every_call_gives_the_variables_that_the_prompt_names():
    assert [(name, given) for name, given, _ in calls() if given != variables(name)] == []


def test_nothing_is_put_into_a_system_prompt():
    """Its variables only switch parts of it on and off. Each role has one, and a task beside it."""
    systems = [name for name in NAMES if f"{name}_task" in NAMES]

    assert systems == ["correct", "implement", "plan", "primer", "research", "review", "scout"]
    assert {name for name, _, is_system in calls() if is_system} <= set(systems)
    assert {name: [*outputs(name)] for name in systems} == {name: [] for name in systems}


def test_scouts_have_questions_for_as_many_as_there_can_be():
    questions = render("scout_questions").splitlines()

    assert len(questions) == 8
    assert all(question.endswith("?") for question in questions)
