"""The page on which a newcomer breaks and heals the copilot."""

from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.copilot.breaks import STORIES, Break
from examples.copilot.world import Minute, World
from examples.pages import button, page, same_origin

REFRESH_SECONDS = 5


def control_routes(world: World, links: Mapping[str, str]) -> list[Route]:
    """Return the routes of the page; `links` are titles and addresses shown at its top."""

    async def show(_: Request) -> Response:
        return page("Copilot", _body(world, links), refresh=(REFRESH_SECONDS, "/"))

    async def state(_: Request) -> Response:
        return JSONResponse({"broken": sorted(world.broken)})

    async def break_one(request: Request) -> Response:
        return await _change(request, world, heal=False)

    async def heal(request: Request) -> Response:
        return await _change(request, world, heal=True)

    return [
        Route("/", show),
        Route("/state", state),
        Route("/break", break_one, methods=["POST"]),
        Route("/heal", heal, methods=["POST"]),
    ]


async def _change(request: Request, world: World, *, heal: bool) -> Response:
    if not same_origin(request):
        return PlainTextResponse("this form was sent from another site", status_code=403)
    form = parse_qs((await request.body()).decode(errors="replace"))
    name = form.get("what", [""])[0]
    if heal and not name:
        world.broken.clear()
    elif name not in set(Break):
        known = ", ".join(Break)
        return PlainTextResponse(f"there is no break {name!r}; there are {known}", status_code=400)
    elif heal:
        world.broken.discard(Break(name))
    else:
        world.broken.add(Break(name))
    return RedirectResponse("/", status_code=303)


def _body(world: World, links: Mapping[str, str]) -> str:
    nav = "".join(
        f'<a href="{escape(url)}" target="_blank" rel="noopener">{escape(title)}</a>'
        for title, url in links.items()
    )
    return (
        "<h1>Copilot</h1><p class=muted>A small LLM application that you may break. "
        f"Watch Wakeful notice.</p><nav>{nav}</nav>{_state(world)}"
        f"<h2>Break it</h2>{''.join(_card(one, world) for one in Break)}"
    )


def _state(world: World) -> str:
    minute = _minute(world.last_minute(), world.approvals.depth)
    if not world.broken:
        return f"<div class=card><b class=good>Healthy.</b> {minute}</div>"
    names = ", ".join(_title(one) for one in sorted(world.broken))
    heal = button("/heal", "Heal everything", kind="primary")
    return (
        f'<div class="card row"><div><b class=bad>Broken: {escape(names)}.</b> {minute}</div>'
        f"{heal}</div>"
    )


def _minute(minute: Minute, queue_depth: float) -> str:
    if minute.p95_seconds is None or minute.cost_usd is None:
        return "No requests in the last minute."
    return (
        f"In the last minute {minute.requests} requests, p95 {minute.p95_seconds:.1f} s, "
        f"{minute.failed} failed, ${minute.cost_usd:.4f} per request; "
        f"{queue_depth:.0f} approvals waiting."
    )


def _card(one: Break, world: World) -> str:
    if one in world.broken:
        state = '<span class="badge bad">broken</span>'
        act = button("/heal", "Heal", kind="primary", what=one)
    else:
        state, act = "", button("/break", "Break", kind="danger", what=one)
    return (
        f'<div class="card row"><div><b>{escape(_title(one))}</b> {state}'
        f"<p class=muted>{escape(STORIES[one])}</p></div>{act}</div>"
    )


def _title(one: Break) -> str:
    return one.replace("-", " ").capitalize()
