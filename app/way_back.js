// Back leads to the address that was left. Streamlit (1.67) first takes out of the address what
// the widgets of the page being left are bound to, and pushes that as an entry of its own: Back
// would lead there, without what was chosen. Source: handlePageInfoChanged in its App.tsx.
(() => {
  const AT_ONCE_MS = 300;
  if (window.wakefulWayBack) return;
  window.wakefulWayBack = true;
  const push = history.pushState.bind(history);
  let left = null; // the address at the press of a link to another page, until that page is there
  let moved = { from: null, at: 0 }; // the last change of an address that stayed on its page

  const leaves = (event) => {
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
    const tab = event.ctrlKey || event.metaKey || event.shiftKey || link?.target === "_blank";
    if (!link || tab || link.origin !== location.origin) return false;
    // Streamlit writes links to the first page without a path.
    return link.pathname !== location.pathname || link.getAttribute("href").startsWith("?");
  };
  addEventListener("click", (event) => (left = leaves(event) ? location.href : null), true);
  addEventListener("popstate", () => (left = null));

  history.pushState = (state, title, url) => {
    const here = new URL(location.href);
    const stays = new URL(url ?? here, here).pathname === here.pathname;
    // What a link carries twice is on its way to becoming an address: see app/carrying.py.
    if (stays && (left !== null || here.searchParams.has("carried"))) {
      history.replaceState(state, title, url);
      return;
    }
    if (stays) {
      moved = { from: here.href, at: performance.now() };
    } else {
      // A page that opens another by itself, as a chart does, changes its address just before.
      const before = left ?? (performance.now() - moved.at < AT_ONCE_MS ? moved.from : null);
      if (before !== null) history.replaceState(history.state, "", before);
      left = null;
      moved = { from: null, at: 0 };
    }
    push(state, title, url);
  };
})();
