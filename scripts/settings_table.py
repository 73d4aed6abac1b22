"""Print the README's settings table from the settings themselves."""

from dataclasses import fields

from alerts.settings import PREFIX, Settings


def main() -> None:
    """Print one row per setting."""
    print("| variable | default | meaning |\n| --- | --- | --- |")
    for field in fields(Settings):
        shown = f"`{field.default}`" if field.default else ""
        meaning = field.metadata["meaning"]
        print(f"| `{PREFIX}{field.name.upper()}` | {shown} | {meaning} |")


if __name__ == "__main__":
    main()
