"""What every command starts with: the settings, the log, the wiring."""

import logging

from alerts.settings import Settings
from alerts.wiring import Role, Wiring, wire


def start(role: Role) -> Wiring:
    """Return the parts of this process, with its log set up.

    Raises:
        SettingsError: The settings make no sense, or do not allow the role.
        StoreError: The embedded trace store cannot be opened.
    """
    settings = Settings.from_env()
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    if role is Role.TOOL:
        logging.getLogger().setLevel(logging.WARNING)
    return wire(settings, role)
