"""The Traces page alone, over a real embedded store: `streamlit run` this for the browser's tests.

The store is made anew in the folder named by the last argument, and filled with the seed trace, a
trace with every oddity, and agents' runs of 200, 2,000 and 10,000 spans.
"""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import streamlit as st

from alerts.settings import Settings
from alerts.wiring import Role, Wiring
from app import wired
from app.views import traces
from models.clock import utc_now
from models.database import connect, migrate
from signals.routing import Sources
from signals.traces.embedded import EmbeddedStore
from tests.made_traces import START, agent_trace, moved, odd_trace, seed_lines, seed_trace


@st.cache_resource(max_entries=1, ttl=timedelta(days=1))
def wiring(folder: str) -> Wiring:
    """Return the wiring over a filled store."""
    store = EmbeddedStore.open(Path(folder) / "traces.duckdb", memory_mb=256)
    by = utc_now() - START - timedelta(minutes=2)
    agents = [agent_trace(count) for count in (200, 2_000, 10_000)]
    for trace in (seed_trace(), odd_trace(), *agents):
        spans = moved(trace, trace.trace_id, by).spans
        for first in range(0, len(spans), 2_000):
            store.write(spans[first : first + 2_000])
    store.logs.write([replace(line, at=line.at + by) for line in seed_lines()])
    db = connect(f"sqlite:///{folder}/wakeful.db")
    migrate(db)
    return Wiring(
        settings=Settings(data_dir=folder),
        role=Role.TOOL,
        db=db,
        signals=Sources((store,)),
        store=store,
        traces=store,
        logs=store.logs,
    )


st.set_page_config(page_title="Traces", layout="wide")
wired.set_current(wiring(sys.argv[-1]))
st.navigation(
    [
        st.Page(lambda: st.title("Home"), title="Home", url_path="home", default=True),
        st.Page(traces.render, title="Traces", url_path="traces"),
    ]
).run()
