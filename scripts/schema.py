"""Write the JSON Schemas of rule and dashboard files to docs/, from the code that reads them."""

from pathlib import Path

from alerts import rulefile
from app import dashboard_file

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main() -> None:
    """Write the schemas."""
    (DOCS / "rules.schema.json").write_text(rulefile.json_schema())
    (DOCS / "dashboards.schema.json").write_text(dashboard_file.json_schema())


if __name__ == "__main__":
    main()
