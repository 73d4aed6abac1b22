"""The script that Streamlit runs for every page: look, identity, navigation."""

from pathlib import Path

import streamlit as st

from app import carrying, parts, sidebar, wired
from app.views import (
    alerts,
    cost,
    dashboards,
    deliveries,
    fatigue,
    investigate,
    oncall,
    overview,
    policies,
    quality,
    reports,
    rules,
    sessions,
    silences,
    slos,
    sources,
    tools,
    traces,
)

STATIC = Path(__file__).with_name("static")
ICON = str(STATIC / "icon.svg")

st.set_page_config(page_title="Wakeful", page_icon=ICON, layout="wide")
st.logo(str(STATIC / "logo.svg"), icon_image=ICON, size="large")

pages = [
    st.Page(overview.render, title="Overview", icon=":material/monitoring:", url_path="overview",
            default=True),
    st.Page(alerts.render, title="Alerts", icon=":material/notifications_active:",
            url_path="alerts"),
    st.Page(dashboards.render, title="Dashboards", icon=":material/dashboard:",
            url_path="dashboards"),
    st.Page(traces.render, title="Traces", icon=":material/account_tree:", url_path="traces"),
    st.Page(investigate.render, title="Investigate", icon=":material/troubleshoot:",
            url_path="investigate"),
    st.Page(sessions.render, title="Sessions", icon=":material/forum:", url_path="sessions"),
    st.Page(tools.render, title="Tools", icon=":material/build:", url_path="tools"),
    st.Page(cost.render, title="Cost", icon=":material/payments:", url_path="cost"),
    st.Page(quality.render, title="Quality", icon=":material/verified:", url_path="quality"),
    st.Page(reports.render, title="Reports", icon=":material/summarize:", url_path="reports"),
    st.Page(rules.render, title="Rules", icon=":material/rule:", url_path="rules"),
    st.Page(slos.render, title="SLOs", icon=":material/target:", url_path="slos"),
    st.Page(policies.render, title="Policies", icon=":material/escalator_warning:",
            url_path="policies"),
    st.Page(oncall.render, title="On call", icon=":material/calendar_month:", url_path="oncall"),
    st.Page(silences.render, title="Silences", icon=":material/notifications_off:",
            url_path="silences"),
    st.Page(deliveries.render, title="Deliveries", icon=":material/outbox:",
            url_path="deliveries"),
    st.Page(fatigue.render, title="Fatigue", icon=":material/bedtime:", url_path="fatigue"),
    st.Page(sources.render, title="Sources", icon=":material/database:", url_path="sources"),
]  # fmt: skip

wall = dashboards.on_the_wall()
page = st.navigation(pages, position="hidden" if wall else "sidebar", expanded=True)
carrying.arrive()
parts.know_pages(pages)
if not wall:
    sidebar.draw(wired.current().settings.links)
page.run()
