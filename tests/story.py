"""The story of one alert, as fixtures that follow from each other, and the people in it.

A test asks for the point of the story that it is about (broken, told, taken, healed, anew), so that
any test can be run alone; in the order of `test_journey` nothing happens twice.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from scripts import servers
from tests.journey import (
    ADA_IN_SLACK,
    PHONE,
    QUIET,
    Person,
    Product,
    card,
    running,
    settled,
    shows,
    until,
)


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with running() as product:
        yield product


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(servers.ensure("chromium")), headless=True, args=QUIET
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def profile(browser: Browser, product: Product) -> Iterator[Person]:
    """A browser that most tests share, so that Streamlit's own scripts are fetched once."""
    person = Person(browser)
    yield person
    person.leave()


@pytest.fixture
def grace(profile: Person) -> Iterator[Person]:
    yield profile
    profile.close_tabs()


@pytest.fixture(scope="module")
def onlooker(browser: Browser, product: Product) -> Iterator[Person]:
    """A second browser, which has the alert's page open all along."""
    person = Person(browser)
    yield person
    person.leave()


@pytest.fixture
def stranger(browser: Browser, product: Product) -> Iterator[Person]:
    """Somebody with a fresh browser, on a phone in the dark."""
    person = Person(browser, size=PHONE, dark=True)
    yield person
    person.leave()


@pytest.fixture(scope="module")
def broken(profile: Person, product: Product) -> Product:
    """One click on the copilot's page makes its model slow."""
    page = profile.open(product.url("copilot"))
    slow = page.locator(".card").filter(has_text="Slow model")
    slow.get_by_role("button", name="Break").click()
    shows(page.locator("body"), "Broken: Slow model")
    page.close()
    return product


@pytest.fixture(scope="module")
def alert(broken: Product, onlooker: Person) -> Page:
    """The alert's page, found by the inbox, open in the second browser from now on."""
    page = settled(onlooker.open(broken.page("/alerts")))
    found = page.locator("[class*=st-key-alert_]").filter(has_text="Slow answers")
    shows(found, "firing")
    found.get_by_role("link", name="Open").click()
    shows(card(page, "alert_timeline"), "pending", "firing")
    return page


@pytest.fixture(scope="module")
def told(broken: Product, alert: Page) -> Product:
    """Everybody whom the policy names was told."""
    until(lambda: broken.posts(to_user="U0ADA"), "the direct message to Ada")
    return broken


@pytest.fixture(scope="module")
def taken(told: Product, profile: Person, alert: Page, onlooker: Person) -> Product:
    """Ada presses Acknowledge in Slack, and her colleague's browser shows it."""
    page = profile.open(told.url("slack"))
    onlooker.asked = 0
    page.get_by_role("button", name="Acknowledge").click()
    shows(alert.get_by_test_id("stMain"), f"{ADA_IN_SLACK} has it")
    onlooker.waited = onlooker.asked
    shows(page.locator("body"), "acknowledged", ADA_IN_SLACK)
    page.close()
    return told


@pytest.fixture(scope="module")
def healed(taken: Product, profile: Person) -> Product:
    """One click on the copilot's page, and everything is as before."""
    page = profile.open(taken.url("copilot"))
    page.get_by_role("button", name="Heal everything").click()
    shows(page.locator("body"), "Healthy")
    page.close()
    return taken


@pytest.fixture(scope="module")
def anew(healed: Product, alert: Page) -> Product:
    """Wakeful was started again, and nobody has asked it for anything yet."""
    alert.close()
    healed.restart("wakeful")
    return healed
