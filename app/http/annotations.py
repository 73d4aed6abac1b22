"""Deploys, prompt roll-outs and the like are told here: POST /api/annotations.

    {"title": "copilot 1.4.2", "kind": "deploy", "at": "2026-03-02T12:00:00Z", "author": "CI"}

201 with its id when it is new, 200 when it was told before: the same title, kind and instant.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import Route

from alerts import annotations
from alerts.annotations import AnnotationError, TooManyError
from app.http.told import RefusedError, told_route
from models.clock import Clock

PATH = "/api/annotations"


def annotation_routes(db: Engine, *, token: str, clock: Clock) -> list[Route]:
    """Return the door for annotations; see `app.http.told`."""

    def act(said: Any, now: datetime) -> tuple[int, dict[str, Any]]:
        try:
            row, is_new = annotations.annotate(db, annotations.read(said), now=now)
        except TooManyError as error:
            raise RefusedError(429, str(error)) from error
        except AnnotationError as error:
            raise RefusedError(400, str(error)) from error
        except SQLAlchemyError as error:
            raise RefusedError(503, "not recorded: the database does not answer") from error
        return (201 if is_new else 200), {"id": row.id, "at": row.at.isoformat()}

    return [told_route(PATH, act, token=token, clock=clock)]
