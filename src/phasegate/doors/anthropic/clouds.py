"""Clouds that serve the same models: Amazon Bedrock and Google Vertex AI, by the SDK's own clients and extras.

Credentials are the cloud's business: its own libraries find them in the environment (`AWS_*`, a profile, a role;
`GOOGLE_APPLICATION_CREDENTIALS`, a service account), and renew them. Behaviour of SDK 2.11.0.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from phasegate.documents.parsing import shown
from phasegate.doors.anthropic.client import forget_headers, http_client
from phasegate.doors.model import ModelError, ModelLimits
from phasegate.errors import UserError
from phasegate.policy.config import Provider

if TYPE_CHECKING:
    from anthropic import AnthropicBedrock, AnthropicVertex

WINDOW = 200_000
LONGEST_REPLY = 64_000
"""What every model of these clouds can do that can think for itself; the clouds keep no record that says more."""
LIFECYCLE = "unknown"
_PLACE = re.compile(r"[a-z][a-z0-9-]{1,62}")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_FAMILY = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d{1,2})(?!\d)(?:-(?P<minor>\d{1,2})(?!\d))?")
_THINKS_SINCE = {"opus": (4, 6), "sonnet": (4, 6), "fable": (5, 0), "mythos": (5, 0)}
"""Adaptive thinking, by Amazon's list of models that have it; what is not known to have it is not asked for it."""
_GLOBAL = {"global": "aiplatform", "us": "aiplatform.us.rep", "eu": "aiplatform.eu.rep"}


def limits_by_name(model: str) -> ModelLimits:
    """Return limits that hold for a model of a cloud, which has no record that could be asked for."""
    return ModelLimits(window=WINDOW, max_tokens=LONGEST_REPLY, lifecycle=LIFECYCLE, thinks=_thinks(model))


def _thinks(model: str) -> bool:
    found = _FAMILY.search(model)
    since = _THINKS_SINCE.get(found["family"]) if found else None
    return found is not None and since is not None and (int(found["major"]), int(found["minor"] or 0)) >= since


@dataclass(frozen=True, slots=True)
class Bedrock:
    """Amazon Bedrock in one region."""

    region: str
    name: str = "Amazon Bedrock"

    def limits(self, model: str) -> ModelLimits:
        """Return limits. Raises `ModelError` for a name that Bedrock cannot know."""
        if "anthropic." not in model and not model.startswith("arn:"):
            raise ModelError(
                f"{model} is no name of a model at {self.name}.",
                cause="Bedrock has names of its own.",
                mend=f"Under `models:`, name one that the account has, for example global.anthropic.{model}.",
            )
        return limits_by_name(model)

    def connect(self, base_url: str | None) -> "AnthropicBedrock":
        """Return a client. Raises `UserError` without the extra, `ModelError` without credentials."""
        from anthropic import AnthropicBedrock  # noqa: PLC0415 -- a second, see api.py

        address = base_url or f"https://bedrock-runtime.{self.region}.{self._domain}"
        boto3 = _extra("bedrock", "boto3")
        client = AnthropicBedrock(
            aws_region=self.region, base_url=address, max_retries=0, http_client=http_client(address)
        )
        forget_headers(client)
        with self.credentials_named():
            has_key = client.api_key is not None or boto3.Session(region_name=self.region).get_credentials()
        if not has_key:
            raise _no_credentials(self.name, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role")
        return client

    @property
    def _domain(self) -> str:
        return "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"

    @contextmanager
    def credentials_named(self) -> Iterator[None]:
        """Raise `ModelError` for what Amazon's library says of credentials inside."""
        said = _extra("bedrock", "botocore.exceptions")
        try:
            yield
        except (said.BotoCoreError, said.ClientError) as error:
            raise _bad_credentials(self.name, error) from None


@dataclass(frozen=True, slots=True)
class Vertex:
    """Google Vertex AI in one region and one project (None: the credentials' own)."""

    region: str
    project: str | None
    name: str = "Google Vertex AI"

    def limits(self, model: str) -> ModelLimits:
        """Return limits."""
        return limits_by_name(model)

    def connect(self, base_url: str | None) -> "AnthropicVertex":
        """Return a client. Raises `UserError` without the extra, `ModelError` without credentials or project."""
        from anthropic import AnthropicVertex  # noqa: PLC0415 -- a second, see api.py

        auth = _extra("vertex", "google.auth")
        _extra("vertex", "google.auth.transport.requests")  # what renews the credentials
        with self.credentials_named():
            credentials, own_project = auth.default(scopes=[_SCOPE])
        project = self.project or own_project
        if not project:
            raise ModelError(
                f"{self.name} needs a project.", mend="Give `provider: {project: …}` in the configuration."
            )
        address = base_url or f"https://{self._host}.googleapis.com/v1"
        client = AnthropicVertex(
            region=self.region,
            project_id=project,
            credentials=credentials,
            base_url=address,
            max_retries=0,
            http_client=http_client(address),
        )
        forget_headers(client)
        return client

    @property
    def _host(self) -> str:
        return _GLOBAL.get(self.region, f"{self.region}-aiplatform")

    @contextmanager
    def credentials_named(self) -> Iterator[None]:
        """Raise `ModelError` for what Google's library says of credentials inside."""
        said = _extra("vertex", "google.auth.exceptions")
        try:
            yield
        except said.GoogleAuthError as error:
            raise _bad_credentials(self.name, error) from None


Cloud = Bedrock | Vertex


def cloud_of(provider: Provider, environ: Mapping[str, str]) -> Cloud | None:
    """Return the cloud that the configuration names; None for Anthropic itself.

    What the configuration leaves out, the environment may say. Raises `UserError` without a region.
    """
    makers: Mapping[str, Callable[[], Cloud]] = {
        "bedrock": lambda: Bedrock(_named("region", provider.region, environ, "AWS_REGION", "AWS_DEFAULT_REGION")),
        "vertex": lambda: Vertex(
            _named("region", provider.region, environ, "CLOUD_ML_REGION"),
            provider.project or environ.get("ANTHROPIC_VERTEX_PROJECT_ID") or None,
        ),
    }
    make = makers.get(provider.name)
    return make() if make else None


def _named(what: str, configured: str | None, environ: Mapping[str, str], *variables: str) -> str:
    found = configured or next((value for name in variables if (value := environ.get(name, "").strip())), "")
    if not _PLACE.fullmatch(found):
        raise UserError(
            f"The model provider has no {what}." if not found else f"{shown(found)} is no {what} of a cloud.",
            mend=f"Give `provider: {{{what}: …}}` in .github/phasegate.yml, or set {variables[0]}.",
        )
    return found


def _extra(name: str, module: str) -> Any:  # noqa: ANN401 -- a library without types, which may not be installed
    try:
        return import_module(module)
    except ImportError:
        raise UserError(
            f"The model provider {name} needs packages that are not installed.",
            cause="They are an extra, because most people do not need them.",
            mend=f"pipx install --force './phasegate[{name}]'",
        ) from None


def _no_credentials(cloud: str, wanted: str) -> ModelError:
    return ModelError(
        f"There are no credentials for {cloud}.", mend=f"Set up {wanted}, as for any program of the cloud."
    )


def _bad_credentials(cloud: str, error: Exception) -> ModelError:
    # What the libraries say names files and profiles, never a secret.
    said = shown(" ".join(str(error).split()), 300)
    return ModelError(
        f"The credentials for {cloud} cannot be used.",
        cause=f"{type(error).__name__}: {said}",
        mend="Set them up as for any program of the cloud.",
    )
