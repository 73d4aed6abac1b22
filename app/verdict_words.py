"""What a PromQL expression yields and costs, in sentences. Pure."""

from app.verdicts import Verdict
from models.vocabulary import Unit
from signals.prometheus_cost import Cost
from signals.units import render


def sentence(verdict: Verdict) -> str:
    """Return what to say below an expression."""
    if verdict.complaint:
        return f"Never evaluated: {verdict.complaint}"
    if verdict.cost is None:
        return f"Nobody tells what it yields and costs. {verdict.silence}".strip()
    return f"{_yields(verdict.cost.series)} {_costs(verdict.cost)}"


def _yields(series: int) -> str:
    match series:
        case 0:
            return "It parses, and yields no series now: nothing would be pending."
        case 1:
            return "It parses, and yields 1 series now: one alert."
        case _:
            return f"It parses, and yields {series:,} series now: an alert for each."


def _costs(cost: Cost) -> str:
    read = "" if cost.fetched is None else f"It reads {cost.fetched:,} series. "
    told = [f"{cost.samples:,} samples read"] if cost.samples is not None else []
    if cost.peak is not None:
        told.append(f"{cost.peak:,} at once in memory")
    if cost.seconds is not None:
        told.append(render(cost.seconds, Unit.SECONDS))
    if not told:
        return f"{read}Cost not told by this server."
    return f"{read}Each evaluation costs the server {', '.join(told)}."
