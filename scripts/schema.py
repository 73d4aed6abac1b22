"""Write the JSON Schema of rule files to docs/rules.schema.json, from the code that reads them."""

from pathlib import Path

from alerts import rulefile

FILE = Path(__file__).resolve().parent.parent / "docs/rules.schema.json"


def main() -> None:
    """Write the schema."""
    FILE.write_text(rulefile.json_schema())


if __name__ == "__main__":
    main()
