"""Whose requests these are."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

Environment = Mapping[str, str]


class Keys(NamedTuple):
    """Credentials that stay, in the form of botocore's."""

    access_key: str
    secret_key: str
    token: str | None = None


Credentials = Callable[[], "Keys | ReadOnlyCredentials"]
"""Whose requests these are, asked before each."""


def credentials_of(environment: Environment) -> Credentials:
    """Whose requests these are: the environment's keys, or else whatever botocore finds, and renews when it is time.

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
