"""Plain HTML pages for the programs here: one look, no scripts, refreshed by the browser."""

from html import escape
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #4f46e5; --bad: #d1242f;
        --good: #1a7f37; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem 1rem 3rem;
       max-width: 60rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .5rem; }
p { margin: .25rem 0; } small, .muted { opacity: .7; } a { color: var(--accent); }
nav a { margin-right: 1rem; } pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.card { border: 1px solid var(--line); border-radius: .6rem; padding: .7rem .9rem;
  margin: .6rem 0; }
.row { display: flex; gap: 1rem; align-items: center; justify-content: space-between; }
.badge { border-radius: 1rem; padding: .05rem .6rem; font-size: .8rem; background: var(--soft); }
.bad { color: var(--bad); } .good { color: var(--good); }
form { display: inline; } button { font: inherit; padding: .3rem .9rem; border-radius: .4rem;
  border: 1px solid var(--line); background: var(--soft); cursor: pointer; white-space: nowrap; }
button.primary { background: var(--accent); border-color: var(--accent); color: #fff; }
button.danger { background: var(--bad); border-color: var(--bad); color: #fff; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .3rem .5rem;
  border-bottom: 1px solid var(--line); vertical-align: top; }
"""


def page(
    title: str, body: str, *, refresh: tuple[int, str] | None = None, style: str = ""
) -> HTMLResponse:
    """Return a whole page.

    Args:
        title: Escaped here.
        body: Trusted, like `style`.
        refresh: After how many seconds the browser asks again, and for which address: without
            one, it does nothing where its own address ends in a `#fragment`.
        style: More CSS.
    """
    again = ""
    if refresh is not None:
        seconds, address = refresh
        again = f'<meta http-equiv="refresh" content="{seconds};url={escape(address)}">'
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width">{again}'
        f"<style>{STYLE}{style}</style></head><body>{body}</body></html>"
    )


def button(action: str, label: str, *, kind: str = "", beside: str = "", **fields: str) -> str:
    """Return a form of one button that POSTs `fields` to `action`; `beside` is HTML before it."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    return (
        f'<form method="post" action="{escape(action)}">{hidden}{beside}'
        f'<button class="{escape(kind)}">{escape(label)}</button></form>'
    )


def same_origin(request: Request) -> bool:
    """Say whether a form was sent by our own page, or by no browser at all."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
