"""The SDK's client for Anthropic's own API, and the HTTP below every client: nothing taken from the environment."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anthropic import Anthropic, AnthropicBedrock, AnthropicVertex
    from httpx2 import Client

CONNECT_TIMEOUT = 20.0
SILENCE_TIMEOUT = 300.0
"""Seconds without a byte, after which an attempt has failed; a stream at work sends pings."""


def http_client(base_url: str) -> "Client":
    """Return an HTTP client. The SDK's own takes proxies from the environment, and follows redirects with the key."""
    from httpx2 import Client, Timeout  # noqa: PLC0415 -- comes with the SDK, which is slow to import

    # The SDK takes its own timeout from here, too.
    timeout = Timeout(SILENCE_TIMEOUT, connect=CONNECT_TIMEOUT)
    return Client(base_url=base_url, timeout=timeout, trust_env=False, follow_redirects=False)


def anthropic_client(api_key: str, base_url: str) -> "Anthropic":
    """Return a client that takes nothing from the environment."""
    from anthropic import Anthropic  # noqa: PLC0415 -- a second (measured, SDK 2.11.0)

    client = Anthropic(api_key=api_key, base_url=base_url, max_retries=0, http_client=http_client(base_url))
    forget_headers(client)
    return client


def forget_headers(client: "Anthropic | AnthropicBedrock | AnthropicVertex") -> None:
    """Take from a client what ANTHROPIC_CUSTOM_HEADERS put into it: no argument keeps that out."""
    client._custom_headers = {}  # noqa: SLF001 -- see above
