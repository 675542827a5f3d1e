"""Shortcuts through botocore and moto, with the same results in a fraction of the time."""

import copy
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any, Final
from unittest import mock
from urllib.parse import urlsplit

import boto3
from botocore import parsers
from botocore.awsrequest import AWSPreparedRequest
from botocore.hooks import BaseEventHooks
from botocore.loaders import create_loader
from botocore.useragent import UserAgentString
from moto import mock_aws
from moto.core import models, responses
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.config import default_user_config
from moto.core.parse import BaseJSONParser
from moto.core.request import Request, environ_key_for_header
from moto.core.serialize import BaseJSONSerializer, Serialized
from moto.core.utils import method_names_from_class
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.ast_nodes import (  # type: ignore[attr-defined]
    DepthFirstTraverser,
    Expression,
    Node,
    UpdateExpressionFunction,
)
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler

from testbed.template import PROJECT

_serialize: Final = BaseJSONSerializer._serialize
_parse_structure: Final = BaseJSONParser._parse_structure
_get_value: Final = BaseJSONSerializer.get_value
_handle_structure: Final = vars(parsers.BaseJSONParser)["_handle_structure"]
_process_request: Final = BotocoreStubber.process_request
_PLAIN: Final = {"S", "N", "BOOL", "NULL"}
"""Types whose values moto keeps as they are in JSON."""
_method_names: Final = cache(method_names_from_class)
_HANDLERS: Final = {"DynamoDB": DynamoHandler, "DynamoDBStreams": DynamoDBStreamsHandler}
"""By the beginning of what requests call their target."""
_cast_value: Final = vars(DynamoType)["cast_value"].fget
_size: Final = DynamoType.size
_query: Final[Any] = Table.query
_project: Final = Item.project
_words: Final = ConditionExpressionParser._lex_condition_expression
_condition: Final = ConditionExpressionParser.parse
_conditions: Final[dict[str, tuple[Any, list[str], list[str]]]] = {}
_MOST_CONDITIONS: Final = 1000
_update: Final = cache(UpdateExpressionParser.make)
_is: Final[Any] = cache(issubclass)


@contextmanager
def quick_aws() -> Iterator[None]:
    """`mock_aws` that does not begin with reading: botocore's data and boto3's session are kept for the next one.

    Clients read five authorities instead of botocore's 140, and do not look at the arguments of each of their 120
    handlers. moto stands between botocore and the network only: its 1,300 handlers for the library `requests` are not
    made.
    """
    core = default_user_config["core"] | {"reset_boto3_session": False}
    with (
        mock.patch("botocore.session.create_loader", _kept_loader),
        mock.patch.dict("os.environ", AWS_CA_BUNDLE=str(_AUTHORITIES)),
        mock.patch.object(BaseEventHooks, "_verify_accept_kwargs", _believe),
        mock.patch.object(models, "RESPONSES_METHODS", []),
        mock_aws(config={"core": core}),
    ):
        yield


def _believe(_hooks: BaseEventHooks, _handler: object) -> None:
    """A handler takes what it is given."""


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
    value that it reads, compares or answers, and for whatever it answers under several names. It sorts the whole table
    for each query, copies what cannot change, weighs an item anew with each of its attributes, writes all of an item
    for each attribute that is taken out of it, and reads the same expressions again and again.
    """
    with (
        mock.patch.object(BotocoreStubber, "process_request", _hand_over),
        mock.patch.object(responses, "method_names_from_class", _method_names),
        mock.patch.object(BaseJSONParser, "_parse_structure", _parse_or_take),
        mock.patch.object(BaseJSONSerializer, "_serialize", _serialize_or_take),
        mock.patch.object(BaseJSONSerializer, "get_value", _value_or_search),
        mock.patch.object(DynamoType, "cast_value", property(_text_or_cast)),
        mock.patch.object(DynamoType, "size", _length_or_size),
        mock.patch.object(Item, "__init__", _weigh_once),
        mock.patch.object(Item, "__deepcopy__", _copy_what_may_change),
        mock.patch.object(Item, "project", _pick_or_project),
        mock.patch.object(Table, "query", _query_a_part),
        mock.patch.object(ConditionExpressionParser, "parse", _condition_or_parse),
        mock.patch.object(ConditionExpressionParser, "_lex_condition_expression", _words_or_read),
        mock.patch.object(UpdateExpressionParser, "make", _update),
        mock.patch.object(validators, "deepcopy", _copy_of_tree),
        mock.patch.object(DepthFirstTraverser, "traverse_node_recursively", _traverse),
        mock.patch.object(Node, "find_clauses", _find_clauses),
        mock.patch.object(parsers.BaseJSONParser, "_handle_structure", _take_or_handle),
        mock.patch.object(UserAgentString, "rebuild_and_replace_user_agent_handler", _say_nothing),
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


def _length_or_size(self: DynamoType) -> int:
    return len(self.value.encode()) if self.type == "S" else _size(self)


def _weigh_once(self: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
    self.hash_key, self.range_key = hash_key, range_key
    self.attrs = LimitedSizeDict({name: DynamoType(value) for name, value in attrs.items()})  # which weighs nothing
    if attrs:
        last = next(reversed(attrs))
        self.attrs[last] = self.attrs.pop(last)  # which weighs them all


def _copy_what_may_change(self: Item, memo: dict[int, Any]) -> Item:
    return _item(
        self,
        {name: value if value.type in _PLAIN else copy.deepcopy(value, memo) for name, value in self.attrs.items()},
    )


def _item(like: Item, attributes: dict[str, DynamoType]) -> Item:
    made = object.__new__(Item)  # moto's own keeps a list of all items that there ever were
    made.hash_key, made.range_key, made.attrs = like.hash_key, like.range_key, LimitedSizeDict(attributes)
    return made


def _pick_or_project(self: Item, paths: list[list[str]]) -> Item:
    if any(len(path) > 1 or "[" in path[0] for path in paths):
        return _project(self, paths)
    return _item(self, {name: self.attrs[name] for (name,) in paths if name in self.attrs})


class _Part:
    """A table that has no items but some."""

    def __init__(self, table: Table, items: list[Item]) -> None:
        self._table, self._items = table, items

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def all_items(self) -> list[Item]:
        return self._items


def _query_a_part(self: Table, *asked: Any, hash_key_conditions: list[tuple[str, DynamoType]], **more: Any) -> Any:
    (name, value), *_ = hash_key_conditions
    parts = [self.items.get(value, {})] if name == self.hash_key_attr else self.items.values()
    items = [item for part in parts for item in part.values() if name in item.attrs and item.attrs[name] == value]
    return _query(_Part(self, items), *asked, hash_key_conditions=hash_key_conditions, **more)


def _condition_or_parse(self: ConditionExpressionParser) -> Any:
    # One request has the same condition parsed three times.
    asked = repr((self.condition_expression, self.expression_attribute_names, self.expression_attribute_values))
    if asked not in _conditions:
        if len(_conditions) == _MOST_CONDITIONS:
            _conditions.clear()
        _conditions[asked] = _condition(self), self.expr_attr_names_found, self.expr_attr_values_found
    condition, names, values = _conditions[asked]
    self.expr_attr_names_found, self.expr_attr_values_found = [*names], [*values]
    return condition


@cache
def _words_of(expression: str) -> tuple[Any, ...]:
    return tuple(_words(ConditionExpressionParser(expression, {}, {})))


def _words_or_read(self: ConditionExpressionParser) -> deque[Any]:
    return deque(_words_of(self.condition_expression))


# The trees of expressions are of abstract classes, of which `isinstance` is slow.


def _copy_of_tree(value: Any, parent: Any = None) -> Any:
    if not _is(type(value), Node):
        return copy.deepcopy(value) if parent is None else value
    copied = object.__new__(type(value))
    copied.type, copied.parent = value.type, parent
    copied.children = value.children and [_copy_of_tree(child, copied) for child in value.children]
    return copied


def _traverse(self: Any, node: Any, child_id: int = -1, wanted: tuple[type, ...] | None = None) -> Any:
    if not _is(type(node), Node):
        return node
    wanted = wanted or self.nodes_to_be_processed()
    parent = node.parent
    for number, child in enumerate(node.children or ()):
        self.pre_processing_of_child(node, number)
        _traverse(self, child, number, wanted)
    if _is(type(node), wanted):
        node = self.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


def _find_clauses(self: Any, clause_types: list[type]) -> list[Any]:
    found = []
    for child in self.children or ():
        if type(child) in clause_types:
            found.append(child)
        elif _is(type(child), (Expression, UpdateExpressionFunction)):
            found += _find_clauses(child, clause_types)
    return found


def _take_or_handle(self: parsers.BaseJSONParser, shape: Any, value: Any) -> Any:
    if shape.name == "AttributeValue" and value.keys() <= _PLAIN:
        return value
    return _handle_structure(self, shape, value)


def _say_nothing(_self: UserAgentString, operation_name: str, request: AWSPreparedRequest, **_: object) -> None:
    """Leave a request as it is."""
