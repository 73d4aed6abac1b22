"""Request bodies -> OTLP messages, and our answers -> bodies.

JSON differs from protobuf's own JSON in one thing: ids are hexadecimal, not base64.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import base64
import json
from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from signals.attribute_values import Value
from signals.otlp import MalformedError

M = TypeVar("M", bound=Message)

_ID_KEYS = ("traceId", "spanId", "parentSpanId")
_MAX_DEPTH = 16  # of arrays and maps in one attribute value; deeper is an attack or a mistake


class KeyValues(Protocol):
    """A repeated `KeyValue`, as protobuf gives it."""

    def __iter__(self) -> Iterator[Any]:
        """Yield each pair."""
        ...


def traces_request(body: bytes, *, is_json: bool) -> ExportTraceServiceRequest:
    """Return the request that `body` holds, or raise MalformedError."""
    return _parse(body, ExportTraceServiceRequest(), is_json=is_json)


def logs_request(body: bytes, *, is_json: bool) -> ExportLogsServiceRequest:
    """Return the request that `body` holds, or raise MalformedError."""
    return _parse(body, ExportLogsServiceRequest(), is_json=is_json)


def traces_answer(rejected: int, reason: str, *, is_json: bool) -> bytes:
    """Return the body of a success, partial when `rejected` or `reason` is set."""
    answer = ExportTraceServiceResponse()
    if rejected or reason:
        answer.partial_success.rejected_spans = rejected
        answer.partial_success.error_message = reason
    return _encode(answer, is_json=is_json)


def logs_answer(rejected: int, reason: str, *, is_json: bool) -> bytes:
    """Return the body of a success, partial when `rejected` or `reason` is set."""
    answer = ExportLogsServiceResponse()
    if rejected or reason:
        answer.partial_success.rejected_log_records = rejected
        answer.partial_success.error_message = reason
    return _encode(answer, is_json=is_json)


def failure(message: str, *, is_json: bool) -> bytes:
    """Return a `google.rpc.Status` with `message`, the body of every answer but a success.

    Its code is left out, as the specification allows; field 2 is the message.

    Source: https://opentelemetry.io/docs/specs/otlp/#failures
    """
    if is_json:
        return json.dumps({"message": message}).encode()
    data = message.encode()
    length, size = bytearray(), len(data)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    length.append(size)
    return bytes([2 << 3 | 2]) + bytes(length) + data


def attributes(pairs: KeyValues) -> dict[str, Value]:
    """Return OTLP attributes as a dict; the last of two equal keys wins."""
    found: dict[str, Value] = {}
    for pair in pairs:
        value = pair.value
        # Most values are text: asking for it first saves a look at the kind.
        found[pair.key] = value.string_value or any_value(value)
    return found


def any_value(value: AnyValue, depth: int = 0) -> Value:
    """Return the Python value of an OTLP value; text where it is nested beyond reason."""
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if depth > _MAX_DEPTH:
        return "[nested too deep]"
    if kind == "array_value":
        return [any_value(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        pairs = value.kvlist_value.values
        return {pair.key: any_value(pair.value, depth + 1) for pair in pairs}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def _parse(body: bytes, message: M, *, is_json: bool) -> M:
    try:
        if is_json:
            content = json.loads(body)
            if not isinstance(content, dict):
                raise MalformedError("the JSON body must be an object")
            _hex_to_base64(content)
            json_format.ParseDict(content, message, ignore_unknown_fields=True)
        else:
            message.ParseFromString(body)
    except (DecodeError, json_format.ParseError, ValueError, TypeError, RecursionError) as error:
        form = "JSON" if is_json else "protobuf"
        raise MalformedError(f"the body is not an OTLP export request in {form}") from error
    return message


def _encode(answer: Message, *, is_json: bool) -> bytes:
    return json_format.MessageToJson(answer).encode() if is_json else answer.SerializeToString()


def _hex_to_base64(node: Any) -> None:
    """Turn the hexadecimal ids below `node` into base64; a broken id becomes an empty one.

    An empty id refuses its span alone, as partial success, not the whole request.
    """
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            for key in _ID_KEYS:
                if isinstance(node.get(key), str):
                    node[key] = _base64(node[key])
            stack.extend(node.values())


def _base64(identifier: str) -> str:
    try:
        return base64.b64encode(bytes.fromhex(identifier)).decode()
    except ValueError:
        return ""
