"""The API's own errors: a status, a type and a message, as an exception here and as JSON on the wire."""

import json

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
SERVER_ERROR = 500


class ApiError(Exception):
    """An answer that is an error. It reaches the client as JSON and never leaves the server as an exception."""

    def __init__(self, message: str, *, status: int = 400, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.retry_after = retry_after


def error_type(status: int) -> str:
    """Return the API's name for a status (https://platform.claude.com/docs/en/api/errors)."""
    return _TYPES.get(status, "api_error" if status >= SERVER_ERROR else "invalid_request_error")


def error_body(message: str, *, status: int, request_id: str) -> bytes:
    """Return the error envelope as the API sends it, in a response and as the data of an `error` event."""
    error = {"type": error_type(status), "message": message}
    return json.dumps({"type": "error", "error": error, "request_id": request_id}).encode()
