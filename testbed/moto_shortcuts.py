"""Shortcuts through botocore and moto, with the same results in a fraction of the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any, Final
from unittest import mock
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.loaders import create_loader
from moto import mock_aws
from moto.core import models, responses
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.config import default_user_config
from moto.core.parse import BaseJSONParser
from moto.core.request import Request, environ_key_for_header
from moto.core.serialize import BaseJSONSerializer, Serialized
from moto.core.utils import method_names_from_class
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler

from testbed.template import PROJECT

_serialize: Final = BaseJSONSerializer._serialize
_parse_structure: Final = BaseJSONParser._parse_structure
_get_value: Final = BaseJSONSerializer.get_value
_process_request: Final = BotocoreStubber.process_request
_PLAIN: Final = {"S", "N", "BOOL", "NULL"}
"""Types whose values moto keeps as they are in JSON."""
_method_names: Final = cache(method_names_from_class)
_HANDLERS: Final = {"DynamoDB": DynamoHandler, "DynamoDBStreams": DynamoDBStreamsHandler}
"""By the beginning of what requests call their target."""
_cast_value: Final = vars(DynamoType)["cast_value"].fget


@contextmanager
def quick_aws() -> Iterator[None]:
    """`mock_aws` that does not begin with reading: botocore's data and boto3's session are kept for the next one.

    Clients read five authorities instead of botocore's 140. moto stands between botocore and the network only: its
    1,300 handlers for the library `requests` are not made.
    """
    core = default_user_config["core"] | {"reset_boto3_session": False}
    with (
        mock.patch("botocore.session.create_loader", _kept_loader),
        mock.patch.dict("os.environ", AWS_CA_BUNDLE=str(_AUTHORITIES)),
        mock.patch.object(models, "RESPONSES_METHODS", []),
        mock_aws(config={"core": core}),
    ):
        yield


_kept_loader: Final = cache(create_loader)
_AUTHORITIES: Final = PROJECT / "layers/common/atelier/store/dynamodb/amazon-roots.pem"


def read_data() -> None:
    """Read now what the first `quick_aws` would read of DynamoDB, its streams and S3: for processes forked later."""
    with mock.patch.dict("os.environ", AWS_DEFAULT_REGION="us-east-1"), quick_aws():
        boto3.client("dynamodb").list_tables()
        boto3.client("dynamodbstreams").list_streams()
        boto3.client("s3").list_buckets()


@contextmanager
def shortcuts() -> Iterator[None]:
    """Have moto not look for what it knows.

    By default it compares the address of each request with all of AWS's, looks for each of ten types in every attribute
    value that it reads, compares or answers, and for whatever it answers under several names.
    """
    with (
        mock.patch.object(BotocoreStubber, "process_request", _hand_over),
        mock.patch.object(responses, "method_names_from_class", _method_names),
        mock.patch.object(BaseJSONParser, "_parse_structure", _parse_or_take),
        mock.patch.object(BaseJSONSerializer, "_serialize", _serialize_or_take),
        mock.patch.object(BaseJSONSerializer, "get_value", _value_or_search),
        mock.patch.object(DynamoType, "cast_value", property(_text_or_cast)),
    ):
        yield


def _hand_over(self: BotocoreStubber, request: AWSPreparedRequest) -> Any:
    handler = _HANDLERS.get(_text(request.headers.get("X-Amz-Target", "")).partition("_")[0])
    if handler is None:
        return _process_request(self, request)
    asked = _as_wsgi(request)
    return handler.dispatch(asked, request.url, asked.headers)


def _as_wsgi(request: AWSPreparedRequest) -> Request:
    body: Any = request.body
    body = body.encode() if isinstance(body, str) else body
    environment: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": "/",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(body),
        "HTTP_HOST": urlsplit(request.url).netloc,
    }
    for name, value in request.headers.items():
        environment[environ_key_for_header(name)] = _text(value)
    return Request({**environment, "CONTENT_LENGTH": str(len(body))})


def _text(value: Any) -> str:
    # botocore has some headers as bytes.
    return value.decode() if isinstance(value, bytes) else str(value)


def _parse_or_take(self: BaseJSONParser, shape: Any, value: Any) -> Any:
    if shape.name == "AttributeValue" and isinstance(value, dict) and value.keys() <= _PLAIN:
        return value
    return _parse_structure(self, shape, value)  # type: ignore[no-untyped-call]


def _value_or_search(self: BaseJSONSerializer, value: Any, key: str, shape: Any) -> Any:
    if type(value) is dict and not self._value_picker.response_transformers:
        if key in value:
            return value[key]
        if value.keys() <= shape.parent.members.keys():
            return None
    return _get_value(self, value, key, shape)


def _serialize_or_take(self: BaseJSONSerializer, serialized: Serialized, value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and isinstance(value, dict) and value.keys() <= _PLAIN:
        serialized[key] = value
    else:
        _serialize(self, serialized, value, shape, key)


def _text_or_cast(self: DynamoType) -> Any:
    return self.value if self.type == "S" else _cast_value(self)
