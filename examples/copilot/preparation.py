"""What must be there before the demo's programs start: history, and the demo's rules."""

import json
import multiprocessing
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from examples.copilot.backfill import BackfillError, write_blocks
from examples.copilot.commands import RULES
from examples.copilot.history import write_history
from examples.copilot.past import LASTS

# Data that ends longer ago than this is made anew.
RECENT = timedelta(hours=1)
WORKERS = 2
# Raised when the history would no longer fit what reads it.
VERSION = 2


class PreparationError(Exception):
    """The demo cannot start; the message says why."""


class Folder:
    """The demo's data: `wakeful/` (traces, rules, alerts) and `prometheus/`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mark = path / "history.json"

    def pulse(self, *, now: datetime, metrics: bool) -> None:
        """Note that the data reaches to `now`, and whether it has metrics."""
        mark = {"version": VERSION, "until": now.isoformat(), "metrics": metrics}
        self._mark.write_text(json.dumps(mark))

    def is_recent(self, *, now: datetime, metrics: bool) -> bool:
        """Say whether the data reaches nearly to `now` and has metrics, if these are wanted."""
        try:
            mark = json.loads(self._mark.read_text())
            until = datetime.fromisoformat(mark["until"])
            return (
                mark["version"] == VERSION
                and mark["metrics"] is metrics
                and timedelta() <= now - until < RECENT
            )
        except (OSError, ValueError, TypeError, KeyError):
            return False

    def clear(self) -> None:
        """Forget everything."""
        self._mark.unlink(missing_ok=True)
        for name in ("wakeful", "prometheus"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        (self.path / "wakeful").mkdir(parents=True)

    def fill(
        self,
        promtool: Path | None,
        env: Mapping[str, str],
        *,
        now: datetime,
        lasts: timedelta = LASTS,
        rules: Path = RULES,
    ) -> None:
        """Write history, and take the demo's rules.

        Args:
            promtool: None leaves metrics out.
            env: With Wakeful's settings.
            now: The end of the history.
            lasts: How far back it reaches.
            rules: The file of rules and policies.

        Raises:
            PreparationError: Something of it failed.
        """
        importing = _import_rules(rules, env)
        # Spawned, since a forked copy of this process would share what it has open.
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(WORKERS, mp_context=spawn) as executor:
            blocks = None
            if promtool is not None:
                blocks = executor.submit(
                    write_blocks, promtool, self.path / "prometheus", now=now, lasts=lasts
                )
            traces = self.path / "wakeful" / "traces.duckdb"
            write_history(traces, now=now, executor=executor, lasts=lasts)
            try:
                if blocks is not None:
                    blocks.result()
            except BackfillError as error:
                raise PreparationError(f"the history of metrics failed: {error}") from error
        _, said = importing.communicate()
        if importing.returncode:
            raise PreparationError(f"the demo's rules were not taken: {said.strip()}")
        self.pulse(now=now, metrics=promtool is not None)


def _import_rules(rules: Path, env: Mapping[str, str]) -> "subprocess.Popen[str]":
    code = f"from app.cli import main; main(['rules', 'import', {str(rules)!r}])"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=dict(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
