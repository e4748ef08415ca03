"""Runs a GitHub workflow file on this machine: GitHub's parser and evaluator, bash, and nothing a job was not given.

with Language() as language:
    runner = WorkflowRunner(language=language, workflow=path, repository=Repository("octo/hello", clone), ...)
    run = runner.start("issues", payload)     # None when the event does not start the workflow
    assert run.jobs["plan"].result == "success"
"""

import copy
import itertools
from collections.abc import Mapping

from actions.artifact_store import ArtifactStore
from actions.workflow_language import Json, as_text
from actions.workflow_run import WorkflowRun
from actions.workflow_settings import Settings
from actions.workflow_trigger import dispatch_inputs, is_triggered

_ids = itertools.count(7001)  # GitHub's run ids are unique over all repositories


class WorkflowRunner:
    """Starts runs of one workflow file. It is parsed once; WorkflowError says why GitHub would refuse it."""

    def __init__(self, **settings: object) -> None:
        """Takes the fields of `Settings`."""
        self.settings = Settings(**settings)
        self.document = self.settings.language.workflow(self.settings.workflow)["document"]
        self.runs: list[WorkflowRun] = []

    def start(
        self,
        event_name: str,
        payload: Mapping[str, Json],
        *,
        actor: str | None = None,
        ref: str | None = None,
        sha: str | None = None,
    ) -> WorkflowRun | None:
        """The finished run that this webhook starts, or None.

        A dispatch takes `inputs` and `ref` from the payload, as GitHub's API does; DispatchError stands for its 422.
        Commit and ref are the default branch's unless given (events of pull requests have others).
        """
        on, event = self.document["on"], copy.deepcopy(dict(payload))
        if not is_triggered(on, event_name, event):
            return None
        inputs: dict[str, Json] = {}
        if event_name == "workflow_dispatch":
            inputs = dispatch_inputs(on, event.get("inputs") or {})
            event["inputs"] = {name: as_text(value) for name, value in inputs.items()}
            ref = ref or event.get("ref")
        github = self._github(event_name, event, actor, ref, sha)
        directory = self.settings.directory / f"run-{github['run_id']}"
        run = WorkflowRun(self.settings, self.document, github, inputs, ArtifactStore(directory / "artifacts"))
        self.runs.append(run)
        run.execute()
        return run

    def _github(
        self, event_name: str, event: dict[str, Json], actor: str | None, ref: str | None, sha: str | None
    ) -> dict[str, Json]:
        """The `github` context, but for what only a job on its machine knows."""
        repository, servers = self.settings.repository, self.settings.servers
        owner = repository.name.split("/", maxsplit=1)[0]
        full_ref = _full_ref(ref or repository.default_branch)
        branch = full_ref.removeprefix("refs/heads/")
        login = actor or (event.get("sender") or {}).get("login") or owner
        workflow = f"{repository.name}/.github/workflows/{self.settings.workflow.name}@{full_ref}"
        head = sha or repository.head(branch)
        return {
            "actor": login,
            "actor_id": as_text((event.get("sender") or {}).get("id")),
            "api_url": servers.api,
            "base_ref": "",
            "event": event,
            "event_name": event_name,
            "graphql_url": servers.graphql,
            "head_ref": "",
            "ref": full_ref,
            "ref_name": branch,
            "ref_protected": False,
            "ref_type": "branch",
            "repository": repository.name,
            "repository_id": str(repository.id),
            "repository_owner": owner,
            "repository_owner_id": str(repository.owner_id),
            "retention_days": "90",
            "run_attempt": "1",
            "run_id": str(next(_ids)),
            "run_number": str(len(self.runs) + 1),
            "server_url": servers.server,
            "sha": head,
            "triggering_actor": login,
            "workflow": self.document.get("name") or f".github/workflows/{self.settings.workflow.name}",
            "workflow_ref": workflow,
            "workflow_sha": head,
        }


def _full_ref(ref: str) -> str:
    return ref if ref.startswith("refs/") else f"refs/heads/{ref}"
