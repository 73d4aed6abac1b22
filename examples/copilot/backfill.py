"""Seven days of metrics, as Prometheus blocks.

`promtool tsdb create-blocks-from openmetrics`, one file for each day and blocks of a day: that is
twenty times as fast as one file with promtool's defaults.
"""

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from examples.copilot.approvals import Approvals
from examples.copilot.breaks import HEALTHY, Break, Conditions, conditions
from examples.copilot.middleware import BUCKETS, OUTCOMES
from examples.copilot.past import LASTS, Past
from examples.copilot.people import FEATURES, Crowd
from examples.copilot.pipeline import Copilot
from examples.copilot.plan import Plan
from examples.copilot.prompts import ROLLOUT_PERCENT

# Since when there is a sample every so many seconds. A rate needs two samples in its window, and
# a chart of the last hour has windows of a minute, one of a week far longer ones.
STEPS = ((LASTS, 120), (timedelta(days=1), 60), (timedelta(hours=6), 15))
POOL = 2000
CHUNK = 500
DAY_SECONDS = 86_400
# What Prometheus adds when it scrapes: the past must be the same series.
TARGET = {"job": "copilot", "instance": "copilot"}

Numbers = npt.NDArray[np.float64]
Key = tuple[str, tuple[tuple[str, str], ...]]
# Requests under the same odds to draw from: what each adds to every counter.
Pool = dict[Key, Numbers]


class BackfillError(Exception):
    """promtool did not take the history; the message is its own."""


def write_blocks(
    promtool: Path, folder: Path, *, now: datetime, lasts: timedelta = LASTS, seed: int = 7
) -> int:
    """Make Prometheus blocks of the days before `now` in `folder`; return how many samples.

    Raises:
        BackfillError: promtool refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    past = Past(now=now, lasts=lasts)
    seconds = instants_of(past)
    series = counters(past, seconds, seed)
    days = seconds // DAY_SECONDS
    running: list[tuple[Path, subprocess.Popen[str]]] = []
    for day in np.unique(days):
        chosen = days == day
        text = folder / f"{day}.om"
        with text.open("w") as file:
            file.writelines(openmetrics(seconds[chosen], {k: v[chosen] for k, v in series.items()}))
        running.append((text, _promtool(promtool, text, folder)))
    for text, process in running:
        _, said = process.communicate()
        text.unlink()
        if process.returncode:
            raise BackfillError(f"promtool: {said.strip().splitlines()[-1]}")
    return len(series) * len(seconds)


def _promtool(promtool: Path, text: Path, folder: Path) -> subprocess.Popen[str]:
    command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics"]
    command += ["--max-block-duration=24h", "--quiet", str(text), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def instants_of(past: Past) -> npt.NDArray[np.int64]:
    """Return the Unix times of the samples."""
    kept = [past.lasts, *(ago for ago, _ in STEPS[1:])]  # however long the past is
    starts = [_aligned(max(past.start, past.now - ago)) for ago in kept]
    ends = [*starts[1:], int(past.now.timestamp())]
    parts = zip(starts, ends, STEPS, strict=True)
    return np.concatenate([np.arange(a, b, step, dtype=np.int64) for a, b, (_, step) in parts])


def counters(past: Past, seconds: npt.NDArray[np.int64], seed: int) -> dict[Key, Numbers]:
    """Return every series of the copilot at the given Unix times."""
    rng, draw = Random(seed), np.random.default_rng(seed)
    slow = conditions([Break.SLOW_MODEL])
    # Before the roll-out, since then, and in the incident: each with requests of its own.
    kinds = ((HEALTHY, 0), (HEALTHY, ROLLOUT_PERCENT), (slow, ROLLOUT_PERCENT))
    pools = [_pool(odds, percent, rng) for odds, percent in kinds]
    keys = sorted(set().union(*pools))
    table = np.concatenate([_matrix(pool, keys) for pool in pools])
    instants = [datetime.fromtimestamp(int(at), past.now.tzinfo) for at in seconds]
    which = np.array(
        [2 if past.in_incident(at) else past.rollout_percent(at) > 0 for at in instants]
    )
    loads = np.array([past.requests_per_second(at) for at in instants])
    arrived = draw.poisson(loads * np.diff(seconds, prepend=seconds[0]))
    grown = []
    for start in range(0, len(seconds), CHUNK):
        part = slice(start, start + CHUNK)
        steps = np.repeat(np.arange(len(seconds[part])), arrived[part])
        picks = which[part][steps] * POOL + draw.integers(POOL, size=len(steps))
        # How often each request of the pools happens in each step, times what it adds.
        width = len(table)
        often = np.bincount(steps * width + picks, minlength=len(seconds[part]) * width)
        grown.append(often.reshape(-1, width).astype(np.float64) @ table)
    summed = np.cumsum(np.concatenate(grown), axis=0)
    series: dict[Key, Numbers] = {key: summed[:, n] for n, key in enumerate(keys)}
    return series | {_key("llm_approval_queue_depth"): _queue(instants, past, rng)}


def _queue(instants: Sequence[datetime], past: Past, rng: Random) -> Numbers:
    approvals = Approvals(rng)
    depths = []
    for at in instants:
        approvals.pass_time(STEPS[0][1], past.odds(at))
        depths.append(round(approvals.depth))
    return np.array(depths, dtype=np.float64)


def _pool(odds: Conditions, percent: int, rng: Random) -> Pool:
    crowd, copilot = Crowd(rng), Copilot(rng)
    pool: Pool = {key: np.zeros(POOL) for key in _expected()}
    for number in range(POOL):
        plan = copilot.plan(crowd.ask(percent=percent), odds, queue_depth=12.0)
        for key, value in adds(plan):
            pool.setdefault(key, np.zeros(POOL))[number] += value
    return pool


def _matrix(pool: Pool, keys: Sequence[Key]) -> Numbers:
    nothing = np.zeros(POOL)
    return np.column_stack([pool.get(key, nothing) for key in keys])


def _expected() -> Iterator[Key]:
    """Yield the series that the copilot exports from its start, whatever happens."""
    for feature in FEATURES.values():
        for outcome in OUTCOMES:
            yield _key(
                "llm_requests_total",
                feature=feature.name,
                model=feature.model.name,
                outcome=outcome,
            )
        for direction in ("input", "output"):
            labels = {"feature": feature.name, "guardrail": direction, "verdict": "block"}
            yield _key("llm_guardrail_checks_total", **labels)


def adds(plan: Plan) -> Iterator[tuple[Key, float]]:
    """Yield what one request adds to every counter: the same as `middleware.Metrics.record`."""
    feature, model = plan.request.feature.name, plan.request.feature.model.name
    both = {"feature": feature, "model": model}
    elapsed = plan.duration_ms / 1000
    yield _key("llm_requests_total", **both, outcome=plan.outcome), 1
    for bound in (*BUCKETS, float("inf")):
        le = "+Inf" if bound == float("inf") else str(float(bound))
        yield _key("llm_latency_seconds_bucket", **both, le=le), float(elapsed <= bound)
    yield _key("llm_latency_seconds_sum", **both), elapsed
    yield _key("llm_latency_seconds_count", **both), 1
    yield _key("llm_cost_usd_total", **both), plan.cost_usd
    yield _key("llm_tokens_total", **both, direction="input"), plan.input_tokens
    yield _key("llm_tokens_total", **both, direction="output"), plan.output_tokens
    if plan.cache_hit is not None:
        result = "hit" if plan.cache_hit else "miss"
        yield _key("llm_cache_requests_total", feature=feature, result=result), 1
    verdict = {
        "guardrail": plan.stopped_by or "output",
        "verdict": "block" if plan.stopped_by else "pass",
    }
    yield _key("llm_guardrail_checks_total", feature=feature, **verdict), 1
    if plan.eval_score is not None:
        version = {"feature": feature, "prompt_version": plan.request.prompt.version}
        yield _key("llm_eval_score_points_sum", **version), plan.eval_score
        yield _key("llm_eval_score_points_count", **version), 1


def _key(name: str, /, **labels: str) -> Key:
    return name, tuple(sorted((TARGET | labels).items()))


FAMILIES = {
    "llm_requests": "counter",
    "llm_latency_seconds": "histogram",
    "llm_cost_usd": "counter",
    "llm_tokens": "counter",
    "llm_cache_requests": "counter",
    "llm_guardrail_checks": "counter",
    "llm_eval_score_points": "summary",
    "llm_approval_queue_depth": "gauge",
}


def openmetrics(seconds: npt.NDArray[np.int64], series: Mapping[Key, Numbers]) -> Iterator[str]:
    """Yield the lines of an OpenMetrics file, family by family."""
    times = [f" {at}\n" for at in seconds.tolist()]
    for family, kind in FAMILIES.items():
        yield f"# TYPE {family} {kind}\n"
        for key, values in _of_family(family, series):
            yield from _lines(key, values, times)
    yield "# EOF\n"


def _of_family(family: str, series: Mapping[Key, Numbers]) -> list[tuple[Key, Numbers]]:
    endings = ("", "_total", "_bucket", "_sum", "_count")
    names = {f"{family}{ending}" for ending in endings}
    return [(key, values) for key, values in series.items() if key[0] in names]


def _lines(key: Key, values: Numbers, times: Iterable[str]) -> Iterator[str]:
    name, labels = key
    inside = ",".join(f'{label}="{value}"' for label, value in labels)
    start = f"{name}{{{inside}}} "
    return (f"{start}{value:.10g}{at}" for value, at in zip(values.tolist(), times, strict=True))


def _aligned(at: datetime) -> int:
    """Return Unix time at a full minute."""
    return int(at.timestamp()) // 60 * 60
