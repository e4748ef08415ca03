"""The token of a GitHub App: for one repository and for what is asked, or a reason in words."""

import json

import jwt
import pytest
import responses
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from github_desks import Time

from phasegate.doors.github.app import installation_token
from phasegate.doors.github.failures import ForgeError
from phasegate.errors import UserError

API = "http://127.0.0.1:80"
INSTALLATION = f"{API}/repos/octo/widgets/installation"
TOKENS = f"{API}/app/installations/77/access_tokens"


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def stubs():
    with responses.RequestsMock() as stubs:
        yield stubs


def ask(pem: str, *, app_id: str = "12345", time: Time | None = None) -> str:
    time = time or Time()
    return installation_token(
        app_id=app_id,
        private_key=pem,
        repository="octo/widgets",
        api_url="http://127.0.0.1",
        permissions={"contents": "write", "pull-requests": "write"},
        clock=time.clock,
        sleep=time.sleep,
    )


@pytest.mark.parametrize("app_id", ["12345", "Iv23liAbCdEf"])
def test_a_token_is_for_one_repository_and_for_what_is_asked(stubs, key, pem, app_id):
    stubs.get(INSTALLATION, json={"id": 77})
    stubs.post(TOKENS, json={"token": "ghs_new"}, status=201)

    assert ask(f"\n{pem}\n", app_id=f" {app_id}\n") == "ghs_new"

    asked = stubs.calls[1].request
    permissions = {"contents": "write", "pull_requests": "write"}
    assert json.loads(asked.body) == {"repositories": ["widgets"], "permissions": permissions}
    scheme, _, signed = asked.headers["Authorization"].partition(" ")
    claims = jwt.decode(signed, key.public_key(), algorithms=["RS256"])
    assert (scheme, str(claims["iss"])) == ("Bearer", app_id)


def test_an_app_that_is_not_installed_is_told(stubs, pem):
    stubs.get(INSTALLATION, json={"message": "Not Found"}, status=404)

    with pytest.raises(ForgeError, match="12345 is not installed in octo/widgets"):
        ask(pem)


def test_a_permission_that_the_app_does_not_have_is_told(stubs, pem):
    stubs.get(INSTALLATION, json={"id": 77})
    message = "The permissions requested are not granted to this installation."
    stubs.post(TOKENS, json={"message": message}, status=422)

    with pytest.raises(ForgeError, match=r"get a token of the GitHub App 12345.*not granted to this installation"):
        ask(pem)


def test_a_key_that_github_does_not_accept_is_told(stubs, pem):
    stubs.get(INSTALLATION, json={"message": "A JSON web token could not be decoded"}, status=401)

    with pytest.raises(ForgeError, match="does not accept"):
        ask(pem)


@pytest.mark.parametrize(
    "broken", ["", "ghp_not_a_key", "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----"]
)
def test_a_key_that_is_none_is_told_and_not_shown(broken):
    with pytest.raises(UserError, match="private key of the GitHub App cannot be read") as caught:
        ask(broken)
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize("app_id", ["", "my app", "../x"])
def test_an_app_that_cannot_be_one_is_told(pem, app_id):
    with pytest.raises(UserError, match="id of the GitHub App is none"):
        ask(pem, app_id=app_id)


def test_a_server_in_trouble_is_asked_again(stubs, pem):
    time = Time()
    stubs.get(INSTALLATION, status=502)
    stubs.get(INSTALLATION, json={"id": 77})
    stubs.post(TOKENS, json={"token": "ghs_new"}, status=201)

    assert ask(pem, time=time) == "ghs_new"
    assert time.naps == [1]
