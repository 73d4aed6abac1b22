"""Run the copilot: `python -m examples.copilot --port 8600 --otlp http://127.0.0.1:8501`."""

import argparse

import uvicorn

from examples.copilot.application import CopilotConfig, copilot_app


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m examples.copilot")
    parser.add_argument("--port", type=int, default=8600)
    parser.add_argument("--otlp", help="where spans and logs go, such as http://127.0.0.1:8501")
    parser.add_argument("--rate", type=float, default=3.0, help="requests per second")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--link", action="append", default=[], metavar="TITLE=URL")
    options = parser.parse_args()
    config = CopilotConfig(
        otlp_url=options.otlp,
        seed=options.seed,
        requests_per_second=options.rate,
        links=dict(link.split("=", 1) for link in options.link),
    )
    uvicorn.run(copilot_app(config), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
