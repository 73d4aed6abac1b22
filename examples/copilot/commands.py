"""Where the demo's programs listen, and the commands that start them."""

import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from examples.standins.pagerduty import PagerDutyConfig
from examples.standins.slack import SlackConfig

RULES = Path(__file__).with_name("rules.yaml")
PROMETHEUS_CONFIG = """\
# Written by the demo at every start.
global: {{scrape_interval: 5s, scrape_timeout: 4s}}
scrape_configs:
  - job_name: copilot
    static_configs: [{{targets: ["127.0.0.1:{copilot}"]}}]
    # The same series whatever the port: the history has it too.
    relabel_configs: [{{target_label: instance, replacement: copilot}}]
  - job_name: wakeful
    static_configs: [{{targets: ["127.0.0.1:{wakeful}"]}}]
    relabel_configs: [{{target_label: instance, replacement: wakeful}}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where each program listens, on loopback."""

    wakeful: int = 8501
    copilot: int = 8600
    slack: int = 8601
    pagerduty: int = 8602
    prometheus: int = 9191

    def url(self, name: str) -> str:
        """Return the address of one of them."""
        return f"http://127.0.0.1:{getattr(self, name)}"


def choose_ports() -> tuple[Ports, list[str]]:
    """Return the usual ports, others for those that are taken, and a sentence for each such."""
    ports, said = Ports(), []
    for field in fields(Ports):
        usual = getattr(ports, field.name)
        if not _is_free(usual):
            ports = replace(ports, **{field.name: _free_port()})
            taken = getattr(ports, field.name)
            said.append(f"Port {usual} is taken: {field.name} listens on {taken} instead.")
    return ports, said


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How one program is started, and the address that answers once it is ready."""

    name: str
    command: tuple[str, ...]
    ready_url: str


def programs(ports: Ports, folder: Path, prometheus: Path | None) -> Iterator[Program]:
    """Yield the programs of the demo, senders before receivers, so that they stop in that order."""
    python = (sys.executable, "-m")
    links = [f"--link={title}={url}" for title, url in links_of(ports, prometheus)]
    wakeful = ports.url("wakeful")
    yield Program(
        name="copilot",
        command=(
            *python,
            "examples.copilot",
            f"--port={ports.copilot}",
            f"--otlp={wakeful}",
            f"--link=Wakeful={wakeful}",
            *links[1:],
        ),
        ready_url=f"{ports.url('copilot')}/state",
    )
    yield Program(
        name="wakeful",
        command=(sys.executable, "-c", "from app.cli import main; main(['up'])"),
        ready_url=f"{wakeful}/healthz",
    )
    if prometheus is not None:
        yield _prometheus(ports, folder, prometheus)
    yield Program(
        name="slack",
        command=(
            *python,
            "examples.standins.slack",
            f"--port={ports.slack}",
        ),
        ready_url=f"{ports.url('slack')}/_state",
    )
    yield Program(
        name="pagerduty",
        command=(
            *python,
            "examples.standins.pagerduty",
            f"--port={ports.pagerduty}",
            f"--webhook={wakeful}/pagerduty/webhooks",
        ),
        ready_url=f"{ports.url('pagerduty')}/_state",
    )


def _prometheus(ports: Ports, folder: Path, prometheus: Path) -> Program:
    config = folder / "prometheus.yml"
    config.write_text(PROMETHEUS_CONFIG.format(copilot=ports.copilot, wakeful=ports.wakeful))
    return Program(
        name="prometheus",
        command=(
            str(prometheus),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            "--storage.tsdb.retention.time=15d",
            f"--web.listen-address=127.0.0.1:{ports.prometheus}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ),
        ready_url=f"{ports.url('prometheus')}/-/ready",
    )


def links_of(ports: Ports, prometheus: Path | None) -> list[tuple[str, str]]:
    """Return titles and addresses of what stands beside Wakeful."""
    links = [
        ("Break the copilot", ports.url("copilot")),
        ("Slack", ports.url("slack")),
        ("PagerDuty", ports.url("pagerduty")),
    ]
    return [*links, ("Prometheus", ports.url("prometheus"))] if prometheus else links


def environment(ports: Ports, folder: Path, prometheus: Path | None) -> dict[str, str]:
    """Return the environment of every program: Wakeful's settings come from nowhere else."""
    slack, pagerduty = SlackConfig(), PagerDutyConfig()
    settings = {
        "USER": "you",
        "PORT": str(ports.wakeful),
        "DATA_DIR": str(folder / "wakeful"),
        "PROMETHEUS_URL": ports.url("prometheus") if prometheus else "",
        "SLACK_BOT_TOKEN": slack.token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_URL": f"{ports.url('slack')}/api/",
        "PAGERDUTY_ROUTING_KEY": pagerduty.routing_keys[0],
        "PAGERDUTY_API_TOKEN": pagerduty.token,
        "PAGERDUTY_FROM": pagerduty.users[1].email,
        "PAGERDUTY_WEBHOOK_SECRET": pagerduty.webhook_secret,
        "PAGERDUTY_EVENTS_URL": ports.url("pagerduty"),
        "PAGERDUTY_API_URL": ports.url("pagerduty"),
        "LINKS": ", ".join(f"{title}={url}" for title, url in links_of(ports, prometheus)),
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("WAKEFUL_")}
    bypass = inherited.get("NO_PROXY", inherited.get("no_proxy", ""))
    local = ",".join(filter(None, [bypass, "127.0.0.1", "localhost"]))
    own = {f"WAKEFUL_{name}": value for name, value in settings.items() if value}
    return inherited | own | {"NO_PROXY": local, "no_proxy": local, "PYTHONUNBUFFERED": "1"}


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        # As servers do: a port that only waits for its old connections to end is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
