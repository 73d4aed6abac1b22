"""The `wakeful` command."""

import argparse
import contextlib
import os
import runpy
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from alerts import actions, inbox
from alerts.actions import UnknownAlertError
from alerts.annotations import AnnotationError
from alerts.decision import StaleError
from alerts.lifecycle import TransitionError
from alerts.policies import PolicyError
from alerts.promtool import PromtoolError
from alerts.rulebook import RuleError
from alerts.rulecode.complaints import RuleCodeError
from alerts.settings import Settings
from alerts.settingvalues import SettingsError
from alerts.wiring import Role
from app import annotating, dashboard_commands, rule_commands
from app.checks import check_table
from app.dashboard_panels import DashboardError
from app.dry_run import DryRun, dry_run
from app.exporting import exported, handed_over
from app.started import start
from models.database import read_only
from models.vocabulary import Severity
from signals import SignalError
from signals.traces import StoreError

DEMO = "examples.copilot.demo"
# What an operator can cause: each is one plain sentence already.
PLAIN = (
    SettingsError,
    StoreError,
    RuleError,
    PolicyError,
    PromtoolError,
    UnknownAlertError,
    AnnotationError,
    DashboardError,
    TransitionError,
    StaleError,
    SignalError,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exit code 0 when it did its work, 1 when it failed, 2 on wrong use."""
    parser = _parser()
    options, rest = parser.parse_known_args(argv)
    if rest and options.run is not demo:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest  # the demo has options of its own
    try:
        sys.exit(options.run(options))
    except RuleCodeError as error:
        sys.exit("\n".join(f"wakeful: {complaint}" for complaint in error.complaints))
    except PLAIN as error:
        sys.exit(f"wakeful: {error}")
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()
        sys.exit(f"wakeful: the database does not answer: {reason[0] if reason else error}")


def up(options: argparse.Namespace) -> int:
    """Serve pages and doors, with the engine in the same process or without it."""
    from app import asgi  # here, since Streamlit takes a second that other commands need not

    _refuse_taken_port(Settings.from_env())
    wiring = start(Role.UP if options.command == "up" else Role.WEB)
    print(f"Wakeful is at {wiring.settings.base_url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C: everything is closed by then
        asgi.build(wiring).run(config=asgi.server_config(wiring))
    return 0


def run_engine(_options: argparse.Namespace) -> int:
    """Run the jobs until told to stop."""
    wiring = start(Role.ENGINE)
    jobs, stopped = wiring.jobs(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    jobs.start()
    print("The engine ticks.", flush=True)
    stopped.wait()
    jobs.stop()
    wiring.close()
    return 0


def demo(options: argparse.Namespace) -> int:
    """Start the demo: a small LLM application, stand-ins for the vendors, and Wakeful."""
    root = Path(__file__).resolve().parent.parent
    if not (root / "examples" / "copilot" / "demo.py").exists():
        sys.exit("wakeful: the demo comes with the source: clone the repository, then `make demo`")
    os.chdir(root)
    sys.path.insert(0, str(root))
    sys.argv = [DEMO, *options.rest]
    runpy.run_module(DEMO, run_name="__main__")
    return 0


def check(_options: argparse.Namespace) -> int:
    """Ask every configured source and channel whether it answers."""
    wiring = start(Role.TOOL)
    lines, ok = check_table(wiring)
    print("\n".join(lines))
    return 0 if ok else 1


def alerts(options: argparse.Namespace) -> int:
    """List what is firing, take an alert, or write down its story or a hand-over."""
    wiring = start(Role.TOOL)
    if options.action == "export":
        print(exported(wiring, options.alert, group=options.group, as_json=options.json), end="")
        return 0
    if options.action == "handover":
        print(handed_over(wiring, hours=options.hours, zone=options.zone), end="")
        return 0
    if options.action == "ack":
        by = options.by or wiring.settings.local_user
        taken = actions.acknowledge(wiring.db, options.alert, by=by, now=wiring.clock())
        print(f"alert {options.alert}: {taken.by} has it since {taken.at:%Y-%m-%d %H:%M:%S} UTC")
        return 0 if taken.by == by else 1
    with Session(read_only(wiring.db)) as session:
        for item in inbox.firing_now(session):
            row = item.alert
            who = f"{row.acknowledged_by} has it" if row.acknowledged_by else "nobody has it"
            print(
                f"{row.id}  {row.severity}  {item.rule.name}: {item.summary}  "
                f"since {row.fired_at:%Y-%m-%d %H:%M:%S} UTC  {who}"
            )
    return 0


def policies(options: argparse.Namespace) -> int:
    """Walk through a policy as if an alert fired."""
    asked = DryRun(
        name=options.name,
        at=options.at,
        severity=Severity(options.severity),
        alerts=options.alerts,
        zone=options.zone,
    )
    print("\n".join(dry_run(start(Role.TOOL), asked)))
    return 0


def annotate(options: argparse.Namespace) -> int:
    """Write down that something happened."""
    print(annotating.annotated(start(Role.TOOL), options))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wakeful", description="Operations dashboard and alert manager for LLM applications"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: object, meaning: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=meaning, description=meaning)
        added.set_defaults(run=run)
        return added

    command("up", up, "Pages, HTTP doors and engine in one process")
    command("web", up, "Pages and HTTP doors only")
    command("engine", run_engine, "The engine only")
    command("demo", demo, "A live LLM application to watch, break and heal")
    command("check", check, "Ask every configured source and channel whether it answers")
    rule_commands.add_commands(
        commands.add_parser("rules", help="Rules as files", description=rule_commands.__doc__)
    )
    dashboard_commands.add_commands(
        commands.add_parser(
            "dashboards", help="Dashboards as files", description=dashboard_commands.__doc__
        )
    )
    _describe_policies(command("policies", policies, "What a policy would do"))
    _describe_alerts(command("alerts", alerts, "What is firing"))
    annotating.describe(command("annotate", annotate, "Write down a deploy or the like"))
    return parser


def _describe_policies(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    walk = actions.add_parser("dry-run", help="Say whom it would tell, and when; tells nobody")
    walk.add_argument("name", metavar="NAME")
    walk.add_argument("--at", default="", metavar="ISO", help="When the alert fires; now without")
    walk.add_argument("--severity", choices=list(Severity), default=Severity.CRITICAL.value)
    walk.add_argument("--alerts", type=int, default=1, metavar="N", help="How many are open")
    walk.add_argument("--zone", default="UTC", help="Your time zone, such as Europe/Berlin")


def _describe_alerts(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="List firing and acknowledged alerts")
    ack = actions.add_parser("ack", help="Take an alert")
    ack.add_argument("alert", type=int, metavar="ID")
    ack.add_argument("--by", help="Your name; WAKEFUL_USER or the login name without")
    story = actions.add_parser("export", help="Write down its story for a post-mortem")
    story.add_argument("alert", type=int, metavar="ID")
    story.add_argument("--group", action="store_true", help="ID is that of a group of alerts")
    story.add_argument("--json", action="store_true", help="JSON in the place of Markdown")
    shift = actions.add_parser("handover", help="Say what the next person on duty needs to know")
    shift.add_argument("--hours", type=float, default=12, metavar="N", help="Of your shift; 12")
    shift.add_argument("--zone", default="UTC", help="Your time zone, such as Europe/Berlin")


def _refuse_taken_port(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, int(settings.port)))
        except OSError as error:
            reason = error.strerror or error
            raise SettingsError(
                f"cannot listen on {settings.host}:{settings.port} ({reason}): set WAKEFUL_PORT"
            ) from error
