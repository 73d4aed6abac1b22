"""A trace store of made spans, seven days of them, filled within DuckDB: seconds for a million."""

from datetime import datetime, timedelta
from pathlib import Path

from signals.traces.embedded import narrow
from signals.traces.embedded.database import Database
from signals.traces.embedded.schema import naive

SPANS_PER_REQUEST = 8
CHUNK = 25_000  # requests: bounds the memory it takes
PATIENCE = timedelta(minutes=5)
_SQL = Path(__file__).with_suffix(".sql")
_SYLLABLES = ("ba", "de", "fi", "go", "lu", "mar", "nen", "ris", "sto", "tur")
WORDS = [f"{a}{b}{c}" for a in _SYLLABLES for b in _SYLLABLES for c in ("", "n", "sk", "ll", "rt")]
_MACROS = (
    "CREATE TEMP MACRO u(n, salt) AS (hash(n, salt) % 1000000007) / 1000000007.0",
    "CREATE TEMP MACRO pick(n, salt, k) AS CAST(hash(n, salt) % k AS BIGINT)",
    # Words by Zipf, as in speech.
    "CREATE TEMP MACRO text_of(n, words) AS array_to_string(list_transform(range(words), "
    f"lambda i: {WORDS!r}[CAST(pow({len(WORDS)}, u(n, 100 + i)) AS INT)]), ' ')",
)


def fill(path: Path, spans: int, *, end: datetime) -> None:
    """Make a trace store at `path` with that many spans in the days before `end`."""
    database = Database(path, memory_mb=2_000, patience=PATIENCE)
    count = spans // SPANS_PER_REQUEST
    try:
        with database.cursor() as cursor:
            for macro in _MACROS:
                cursor.execute(macro)
            for first in range(0, count, CHUNK):
                bounds = {"first": first, "last": min(first + CHUNK, count), "count": count}
                cursor.execute(_SQL.read_text(), {**bounds, "end": naive(end)})
                cursor.execute("CHECKPOINT store")
            narrow.fill(cursor)
            cursor.execute("CHECKPOINT store")
    finally:
        database.close()
