"""From the setting to the stores: which are opened, in what order, and what `check` says."""

from pathlib import Path

import pytest

from alerts.settings import Settings, stores
from alerts.settingvalues import SettingsError
from alerts.wiring import Role, Wiring, wire
from app.checks import check_table
from signals import Query
from tests.jaeger_server import JaegerServer
from tests.serving import serve
from tests.spans import root
from tests.tempo_server import TempoServer
from tests.told_traces import CHAT, NOON, exported

PASSWORD = "s3cret-of-tempo"
HOUR = NOON - NOON.replace(hour=11)


def wired(folder: Path, role: Role, traces: str, logs: str = "embedded") -> Wiring:
    settings = Settings(data_dir=str(folder), trace_store_url=traces, log_store_url=logs)
    settings.check()
    return wire(settings, role, clock=lambda: NOON)


def test_commas_stand_between_stores_and_inside_of_an_address() -> None:
    assert stores("embedded, jaeger+http://h/?service=a,b,tempo+https://t,none") == [
        "embedded",
        "jaeger+http://h/?service=a,b",
        "tempo+https://t",
        "none",
    ]


@pytest.mark.parametrize("role", [Role.WEB, Role.ENGINE])
def test_split_roles_read_any_store_but_the_embedded_one(tmp_path: Path, role: Role) -> None:
    server = TempoServer(now=lambda: NOON)
    server.spans.add(exported())
    with serve(server.app) as url:
        wiring = wired(tmp_path, role, f"tempo+{url}")
        assert wiring.traces is not None
        assert wiring.traces.trace(CHAT) is not None
        reading = wiring.signals.route(Query(signal="request_rate", window=HOUR))
        assert reading.name == "tempo"
        assert wiring.spans_in is None
        wiring.close()
    with pytest.raises(SettingsError, match="belongs to one process"):
        wired(tmp_path, role, "embedded,tempo+http://h")


def test_the_first_store_that_has_a_signal_answers(tmp_path: Path) -> None:
    line = "jaeger+http://j,tempo+http://t,clickhouse+http://c"
    wiring = wired(tmp_path, Role.TOOL, line)
    by_tenant = Query(signal="latency_p95", window=HOUR, by=("tenant",))
    by_model = Query(signal="latency_p95", window=HOUR, by=("model",))
    assert wiring.signals.route(by_tenant).name == "tempo"
    assert wiring.signals.route(by_model).name == "clickhouse"
    assert [source.name for source in wiring.watched] == ["tempo", "clickhouse"]
    wiring.close()


def test_the_embedded_store_and_another_are_asked_as_one(tmp_path: Path) -> None:
    server = JaegerServer()
    server.spans.add(exported())
    with serve(server.app) as url:
        wiring = wired(tmp_path, Role.UP, f"embedded,jaeger+{url}")
        assert wiring.several is not None
        assert wiring.traces is wiring.several
        assert [store.name for store in wiring.stores] == ["traces", "jaeger"]
        trace = wiring.several.trace(CHAT)
        assert trace is not None
        assert wiring.store is not None
        assert wiring.store.abilities.retention is not None
        wiring.close()


def test_every_kind_can_be_named_and_asks_nobody_at_the_start(tmp_path: Path) -> None:
    line = ",".join(
        f"{kind}+http://u:p@127.0.0.1:1"
        for kind in ("clickhouse", "jaeger", "langfuse", "langsmith", "phoenix", "tempo")
    )
    wiring = wired(tmp_path, Role.WEB, line, "loki+http://127.0.0.1:1")
    names = [store.name for store in wiring.stores]
    assert names == ["clickhouse", "jaeger", "langfuse", "langsmith", "phoenix", "tempo"]
    assert wiring.logs is not None
    assert wiring.logs.name == "loki"
    wiring.close()


def test_check_asks_every_store_and_shows_no_secret(tmp_path: Path) -> None:
    server = TempoServer(now=lambda: NOON)
    with serve(server.app) as url:
        place = url.removeprefix("http://")
        line = f"tempo+http://me:{PASSWORD}@{place},jaeger+http://127.0.0.1:1/?name=old"
        wiring = wired(tmp_path, Role.TOOL, line, "loki+http://127.0.0.1:1")
        lines, all_well = check_table(wiring)
        wiring.close()
    said = {row.split()[0]: row for row in lines}
    assert "ok" in said["tempo"]
    assert "version 2.9.0" in said["tempo"]
    assert "FAIL" in said["old"]
    assert "could not be reached" in said["loki"]
    assert not all_well
    assert PASSWORD not in "".join(lines) + repr(wiring.settings)


def test_a_broken_address_does_not_show_its_password() -> None:
    settings = Settings(trace_store_url=f"tempo+http://me:{PASSWORD}@:99999")
    with pytest.raises(SettingsError) as caught:
        settings.check()
    assert PASSWORD not in str(caught.value)


def test_tail_sampling_is_a_job_of_the_engine_when_it_is_asked_for(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), tail_sampling_one_in="4")
    settings.check()
    wiring = wire(settings, Role.UP, clock=lambda: NOON)
    assert wiring.store is not None
    spans = [root(NOON - HOUR / 2) for _ in range(100)]
    wiring.store.write(spans)
    sample = wiring.jobs().sample
    assert sample is not None
    sample(NOON)
    held = [span for span in spans if wiring.store.trace(span.trace_id)]
    assert 0 < len(held) < 100
    assert wiring.store.abilities.estimates
    wiring.close()
