"""A provider of models that always answers the same: the HTTP APIs of OpenAI and Anthropic.

What it answers, and so what the spans of a client have to say, is in `tests.sdks.facts`.

Source: https://platform.openai.com/docs/api-reference/chat, /embeddings and /responses (OpenAPI
description 2.3.0), https://docs.claude.com/en/api/messages and /messages-streaming.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.sdks.facts import (
    ANSWER,
    ANSWERS,
    BROKEN,
    FIRST_CHUNK_SECONDS,
    THROTTLED,
    TOOL,
    TOOL_INPUT,
)

_CREATED: Final = 1_772_452_800
_ids = itertools.count(1)  # no two answers share one


def app() -> Starlette:
    """Return the provider, to be served."""
    return Starlette(
        routes=[
            Route("/v1/chat/completions", _chat, methods=["POST"]),
            Route("/v1/responses", _responses, methods=["POST"]),
            Route("/v1/embeddings", _embeddings, methods=["POST"]),
            Route("/v1/messages", _messages, methods=["POST"]),
        ]
    )


async def _chat(request: Request) -> Response:
    asked = await request.json()
    if (refused := _refusal(asked["messages"][-1]["content"])) is not None:
        return refused
    model, used = ANSWERS[asked["model"]]
    usage = {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning, "audio_tokens": 0},
    }
    call = {"name": TOOL, "arguments": json.dumps(TOOL_INPUT)}
    wants_tool = bool(asked.get("tools"))
    message: dict[str, Any] = {"role": "assistant", "content": None if wants_tool else ANSWER}
    if wants_tool:
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
    head = {"id": f"chatcmpl-{next(_ids)}", "created": _CREATED, "model": model}
    reason = "tool_calls" if wants_tool else "stop"
    if not asked.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
        head |= {"object": "chat.completion"}
        return JSONResponse(head | {"choices": [choice], "usage": usage})
    head |= {"object": "chat.completion.chunk"}
    deltas = [{"role": "assistant", "content": ANSWER[:5]}, {"content": ANSWER[5:]}]
    chunks = [
        head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None}
        for delta in deltas
    ]
    chunks += [
        head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None},
    ]
    if (asked.get("stream_options") or {}).get("include_usage"):
        chunks.append(head | {"choices": [], "usage": usage})
    return _stream([f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"])


async def _responses(request: Request) -> Response:
    asked = await request.json()
    model, used = ANSWERS[asked["model"]]
    text = {"type": "output_text", "text": ANSWER, "annotations": [], "logprobs": []}
    message = {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [text],
    }
    usage = {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cache_read},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.input + used.output,
    }
    return JSONResponse(
        {
            "id": f"resp_{next(_ids)}",
            "object": "response",
            "created_at": _CREATED,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": model,
            "output": [message],
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": usage,
        }
    )


async def _embeddings(request: Request) -> Response:
    asked = await request.json()
    model, used = ANSWERS[asked["model"]]
    vector = {"object": "embedding", "index": 0, "embedding": [0.25, 0.5]}
    usage = {"prompt_tokens": used.input, "total_tokens": used.input}
    return JSONResponse({"object": "list", "data": [vector], "model": model, "usage": usage})


async def _messages(request: Request) -> Response:
    asked = await request.json()
    if (refused := _refusal(asked["messages"][-1]["content"])) is not None:
        return refused
    model, used = ANSWERS[asked["model"]]
    usage = {
        "input_tokens": used.input - used.cache_read - used.cache_write,
        "cache_read_input_tokens": used.cache_read,
        "cache_creation_input_tokens": used.cache_write,
        "output_tokens": used.output,
    }
    text: dict[str, Any] = {"type": "text", "text": ANSWER}
    call = {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": TOOL_INPUT}
    message: dict[str, Any] = {
        "id": f"msg_{next(_ids)}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [call if asked.get("tools") else text],
        "stop_reason": "tool_use" if asked.get("tools") else "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    if not asked.get("stream"):
        return JSONResponse(message)
    begun = message | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    block = {"index": 0, "content_block": text | {"text": ""}}
    deltas = [{"type": "text_delta", "text": part} for part in (ANSWER[:5], ANSWER[5:])]
    ended = {"delta": {"stop_reason": "end_turn", "stop_sequence": None}}
    return _stream(
        [
            _event("message_start", message=begun),
            _event("content_block_start", **block),
            *(_event("content_block_delta", index=0, delta=delta) for delta in deltas),
            _event("content_block_stop", index=0),
            _event("message_delta", **ended, usage=usage),
            _event("message_stop"),
        ]
    )


def _refusal(question: Any) -> Response | None:
    if question == THROTTLED:
        error = {"type": "rate_limit_error", "code": "rate_limit_exceeded", "message": "Too fast."}
        return JSONResponse({"type": "error", "error": error}, 429)
    if question == BROKEN:
        error = {"type": "api_error", "code": None, "message": "Something broke."}
        return JSONResponse({"type": "error", "error": error}, 500)
    return None


def _event(kind: str, **content: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | content)}\n\n"


def _stream(events: Sequence[str]) -> Response:
    async def told() -> AsyncIterator[str]:
        await asyncio.sleep(FIRST_CHUNK_SECONDS)
        for event in events:
            yield event

    return StreamingResponse(told(), media_type="text/event-stream")
