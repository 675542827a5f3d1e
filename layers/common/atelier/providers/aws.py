"""What the AWS adapters share: error translation, and the staging area in our bucket."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
)

from atelier.domain.provider import (
    JobRequest,
    LookupInconclusive,
    Staged,
    SubmitOutcomeUnknown,
    SubmitRefused,
    Unavailable,
)
from atelier.domain.tasks.record import TaskError
from atelier.providers.http import is_about_the_job
from atelier.providers.refusals import failure_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_PAGES: Final = 20
_LONGEST_MESSAGE: Final = 500
_NEVER_SENT: Final = (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
)
# Some services say "too many" with 400 and a word of their own.
_TOO_MANY: Final = frozenset({"ServiceQuotaExceededException", "Throttling", "ThrottlingException"})
_NOT_NOW: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_OUR_ROLE: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_NOT_ALLOWED: Final = "Our role may not use this at AWS."

Found = TypeVar("Found")
_logger = logging.getLogger(__name__)


# ---------------------------------------------------------------------------------------------------- failures


@contextmanager
def submitting(*, over: Collection[str] = ()) -> Iterator[None]:
    """Within it, a submit fails as the protocol says.

    `over` are the error codes that end a job for good, whatever else such a code means.
    """
    try:
        yield
    except _NEVER_SENT as failure:
        raise Unavailable(_not_reached(failure)) from failure
    except ParamValidationError as failure:
        raise refusal("provider_refused", str(failure)) from failure
    except ClientError as failure:
        raise _meaning(failure, over) from failure
    except BotoCoreError as failure:
        raise SubmitOutcomeUnknown(_not_reached(failure)) from failure


@contextmanager
def asking() -> Iterator[None]:
    """Within it, whatever fails can be asked again later. Raises Unavailable."""
    try:
        yield
    except ClientError as failure:
        _note_if_forbidden(failure)
        raise Unavailable(f"AWS answered {_code(failure)}.", reached=_is_about_the_job(failure)) from failure
    except BotoCoreError as failure:
        raise Unavailable(_not_reached(failure)) from failure


def refusal(code: str, message: str, *, retryable: bool = False) -> SubmitRefused:
    """A no, in the words of AWS."""
    return SubmitRefused(TaskError(code=code, message=message[:_LONGEST_MESSAGE], retryable=retryable))


def _meaning(failure: ClientError, over: Collection[str]) -> Exception:
    code, status = _code(failure), _status(failure)
    if code in over:
        return refusal("provider_failed", _text(failure), retryable=True)
    if code in _TOO_MANY or status in _NOT_NOW:
        return Unavailable(f"AWS answered {code}.")
    if status in _OUR_ROLE:
        # Its text names our account and role, which is not for the caller's eyes.
        _note_if_forbidden(failure)
        return refusal("provider_auth", _NOT_ALLOWED)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return SubmitOutcomeUnknown(f"AWS answered {code} to a submit.", reached=_is_about_the_job(failure))
    return SubmitRefused(failure_of(_text(failure)[:_LONGEST_MESSAGE], code="provider_refused", retryable=False))


def _is_about_the_job(failure: ClientError) -> bool:
    """Whether one job alone may have provoked this answer."""
    ours = _status(failure) in _OUR_ROLE or _code(failure) in _TOO_MANY
    return not ours and is_about_the_job(_status(failure))


def _note_if_forbidden(failure: ClientError) -> None:
    if _status(failure) in _OUR_ROLE:
        _logger.warning("%s", failure)


def _code(failure: ClientError) -> str:
    return failure.response.get("Error", {}).get("Code", "an error")


def _text(failure: ClientError) -> str:
    return failure.response.get("Error", {}).get("Message") or f"AWS answered {_code(failure)}."


def _status(failure: ClientError) -> int:
    return failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _not_reached(failure: BotoCoreError) -> str:
    return f"AWS did not answer ({type(failure).__name__})."


# --------------------------------------------------------------------------------------------------- looking up


def looked_up(
    page: Callable[[str | None], tuple[Iterable[Found], str | None]], is_it: Callable[[Found], bool]
) -> Found | None:
    """The one that is it among all pages; None when there is none. `page` brings one and the token of the next.

    Raises Unavailable, and LookupInconclusive when there are too many pages to tell.
    """
    token = None
    for _ in range(MOST_PAGES):
        with asking():
            found, token = page(token)
        for each in found:
            if is_it(each):
                return each
        if not token:
            return None
    raise LookupInconclusive("AWS has too many jobs to look through.")


# ------------------------------------------------------------------------------------------------------ staging


class Staging:
    """Our own bucket, in which the files of a job arrive below `incoming/<reference>/`."""

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        self._s3 = s3
        self.bucket = bucket

    def folder(self, job_request: JobRequest) -> str:
        """What the keys of the job's files begin with."""
        return f"incoming/{job_request.reference}/"

    def files(self, job_request: JobRequest, *endings: str) -> tuple[Staged, ...]:
        """The files of the job request that have arrived, those with one of these endings. Raises Unavailable."""
        with asking():
            listed = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=self.folder(job_request))
        keys = (each["Key"] for each in listed.get("Contents", []) if each["Size"])
        return tuple(Staged(key) for key in keys if key.endswith(endings))

    def put(self, job_request: JobRequest, name: str, content: bytes) -> None:
        """Add a file to the job's. Raises SubmitOutcomeUnknown when nobody knows whether it is there now."""
        key = self.folder(job_request) + name
        try:
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        except (ClientError, BotoCoreError) as failure:
            raise SubmitOutcomeUnknown("The file was made, and could not be stored.") from failure
