"""What GitHub refuses, in words: what happened, the likely cause, what to change."""

import re

from pydantic import BaseModel, ConfigDict, ValidationError

from phasegate.documents.parsing import shown
from phasegate.errors import UserError

_SAID_LENGTH = 300
_ALLOW_PULLS = (
    'Settings → Actions → General → Workflow permissions: tick "Allow GitHub Actions to create and approve pull '
    'requests" (in an organisation, its settings may have to allow it first), then try again.'
)


class ForgeError(UserError):
    """GitHub, or git on its server, did not do what was asked; `status` is the HTTP status where there was one."""

    def __init__(self, what: str, *, cause: str = "", mend: str = "", status: int | None = None) -> None:
        super().__init__(what, cause=cause, mend=mend)
        self.status = status


class UnclearError(ForgeError):
    """No answer, or one that leaves open whether the thing was done."""


class _Detail(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    message: str | None = None
    code: str | None = None
    field: str | None = None


class Complaint(BaseModel):
    """The body of an answer that says no."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    message: str = ""
    errors: list[_Detail | str] = []

    @property
    def words(self) -> str:
        """All that it says, in one line."""
        details = (
            part if isinstance(part, str) else part.message or f"{part.field or 'something'} is {part.code or 'wrong'}"
            for part in self.errors
        )
        return " ".join("; ".join(part for part in (self.message, *details) if part).split())

    def has(self, code: str) -> bool:
        """Whether one of its details has this code, such as `already_exists`."""
        return any(isinstance(part, _Detail) and part.code == code for part in self.errors)


def complaint_of(body: str) -> Complaint:
    """Return what an answer says; one without words for anything else."""
    try:
        return Complaint.model_validate_json(body)
    except ValidationError:
        return Complaint()


# By what GitHub says: what happened, the likely cause, what to do.
_KNOWN = (
    (
        "not permitted to create or approve pull requests",
        "GitHub Actions may not open pull requests in this repository.",
        "A setting forbids it, whatever `permissions:` say.",
        _ALLOW_PULLS,
    ),
    (
        "draft pull requests are not supported",
        "This repository cannot have draft pull requests.",
        "Private repositories need a paid plan for them.",
        "Make the repository public, or choose a plan that has them.",
    ),
    (
        "no commits between",
        "There is nothing to open a pull request for: the branch has no commits of its own.",
        "It was merged, or somebody reset it.",
        "Start the run again: take the label off and put it on.",
    ),
    ("archived", "The repository is archived and can only be read.", "", "Unarchive it in its settings."),
    ("is locked", "The conversation is locked.", "", "Unlock it, or give the token's account write permission."),
    (
        "saml",
        "The organisation wants single sign-on, which this token has not passed.",
        "",
        "Authorise the token for the organisation, where the token was made.",
    ),
    ("too long", "The text is too long for GitHub.", "", "Say less."),
)

_BY_STATUS = {
    401: ("GitHub does not accept the token.", "It is wrong, revoked or expired.", "Give a valid one."),
    404: (
        "GitHub knows nothing of it, or the token may not see it.",
        "It was deleted or moved, or the token is for another repository.",
        "Look whether it is there, and which repository the token is for.",
    ),
    410: ("It is gone from GitHub.", "It was deleted, or issues are turned off.", "Turn issues on in the settings."),
}


def refusal(doing: str, *, status: int, body: str, needs: str) -> ForgeError:
    """Return the error for an answer that says no to `doing`, which needs the permission `needs`.

    `doing` is an infinitive, as in "comment on #7"; `needs` is spelt as under `permissions:`, and may be empty.
    """
    complaint = complaint_of(body)
    what, cause, mend = _explained(status, complaint.words, needs)
    said = f"GitHub says ({status}): {shown(complaint.words, _SAID_LENGTH)}" if complaint.words else f"Status {status}."
    cause = " ".join(part for part in (cause, said) if part)
    return ForgeError(f"Could not {doing}. {what}", cause=cause, mend=mend, status=status)


def _explained(status: int, words: str, needs: str) -> tuple[str, str, str]:
    for phrase, what, cause, mend in _KNOWN:
        if phrase in words.lower():
            return what, cause, mend
    if re.search("resource not accessible|must have|not have permission|insufficient_scopes", words, re.IGNORECASE):
        return _not_allowed(needs)
    if status in {401, 404, 410}:
        return _BY_STATUS[status]
    return ("GitHub refuses.", "", "") if status != 403 else _not_allowed(needs)  # noqa: PLR2004 -- forbidden


def _not_allowed(needs: str) -> tuple[str, str, str]:
    cause = f"It needs `{needs}`." if needs else ""
    mend = "Add that under `permissions:` of the job, or to the rights of the token or the GitHub App." if needs else ""
    return "The token may not do this.", cause, mend


def exhausted(doing: str, seconds: float) -> ForgeError:
    """Return the error for a rate limit that would take too long to wait for."""
    return ForgeError(
        f"Could not {doing}. The rate limit of the token is used up.",
        cause=f"GitHub asks to wait {seconds:.0f} seconds.",
        mend="Try again after that. Other workflows of the repository spend from the same limit.",
        status=429,
    )


def unclear(doing: str, reason: str) -> UnclearError:
    """Return the error for an answer that did not come."""
    return UnclearError(
        f"Could not {doing}: GitHub cannot be reached, or is in trouble ({shown(reason)}).",
        cause="The network or GitHub may be down.",
        mend="Try again later; https://www.githubstatus.com tells how GitHub is.",
    )


def strange(doing: str, reason: str) -> ForgeError:
    """Return the error for an answer that is not what GitHub documents."""
    return ForgeError(
        f"Could not {doing}: GitHub's answer cannot be understood.",
        cause=shown(reason, _SAID_LENGTH),
        mend="If this stays, it may be a proxy in between, or a server too old for phasegate.",
    )
