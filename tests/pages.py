"""Opening one page as a browser would, without one."""

from streamlit.testing.v1 import AppTest


def opened(view: str, **query: str) -> AppTest:
    """Run the page of that name with these query parameters."""
    page = AppTest.from_function(_show, args=(view,), default_timeout=20)
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def text(page: AppTest) -> str:
    """Return every word that stands on the page, without Markdown's escapes."""
    said = (
        getattr(element, "value", "")
        for kind in ("title", "header", "markdown", "error", "warning", "info", "success")
        for element in page.get(kind)
    )
    return "\n".join(str(one) for one in said).replace("\\", "")


def toasts(page: AppTest) -> list[str]:
    return [toast.value.replace("\\", "") for toast in page.toast]


def _show(view: str) -> None:
    import importlib

    importlib.import_module(f"app.views.{view}").render()
