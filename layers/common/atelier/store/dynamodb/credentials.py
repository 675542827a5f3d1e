"""Credentials of the requests."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

Environment = Mapping[str, str]


class Keys(NamedTuple):
    """Static credentials with botocore's attribute names."""

    access_key: str
    secret_key: str
    token: str | None = None


Credentials = Callable[[], "Keys | ReadOnlyCredentials"]
"""Returns the credentials; called before each request."""


def credentials_of(environment: Environment) -> Credentials:
    """Credentials: the environment's keys, or those that botocore finds and renews.

    Raises NoCredentialsError when there are none.
    """
    if environment.get("AWS_ACCESS_KEY_ID"):
        keys = Keys(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN") or None,
        )
        return lambda: keys
    return _credentials_that_end()


def _credentials_that_end() -> Credentials:
    # SnapStart has no keys in the environment: they would be in the snapshot. Its imports are, and cost nothing then.
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415
    from botocore.session import get_session  # noqa: PLC0415

    found = get_session().get_credentials()
    if found is None:
        raise NoCredentialsError
    return found.get_frozen_credentials
