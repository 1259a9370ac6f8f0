"""The Ensemble view in a real browser: members come one by one, and seed, number and stamps are in the link."""

import pytest

from tests.app.browsing import opened, seen, served_without_fault, until
from tests.app.conftest import watched_page

pytestmark = pytest.mark.browser
NORTH_ATLANTIC = "region=35,60,310,350"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served_without_fault(tmp_path_factory.mktemp("ensemble")) as url:
        yield url


def scores(page):
    return " | ".join(page.locator(".ensemble-scores tbody tr").all_inner_texts())


def test_members_are_drawn_scored_and_follow_seed_and_number(watched, address, tmp_path):
    page = opened(
        watched, f"{address}?{NORTH_ATLANTIC}&methods=bicubic&members=8&ensemble=ensemble-4x-atmodist"
    )
    page.get_by_role("tab", name="Maps").focus()
    page.keyboard.press("6")
    until(page, lambda: "view=ensemble" in page.url)
    for text in ("Member 1", "Member 4", "Truth", "Spread", "Error of the mean", "Rank histogram"):
        seen(page, text)
    seen(page, "8 members, seed 0.")
    until(page, lambda: "CRPS of 8 members" in scores(page) and "spread / error" in scores(page))
    seen(page, "All 8 members in float32")  # until then the tables are those of previews
    first = scores(page)
    page.get_by_role("button", name="Next four").click()
    seen(page, "Member 8")
    until(page, lambda: "stamps=5" in page.url)
    until(page, lambda: scores(page) == first)  # which members are on show changes no score
    seed = page.get_by_label("Seed")
    seed.fill("7")
    seed.press("Enter")
    seen(page, "8 members, seed 7.")
    until(page, lambda: "seed=7" in page.url and "CRPS of 8 members" in scores(page))
    until(page, lambda: scores(page) not in ("", first))  # other noise, other members
    page.set_viewport_size({"width": 820, "height": 1000})
    until(page, lambda: page.evaluate("document.documentElement.scrollWidth") <= 820)
    page.screenshot(path=str(tmp_path / "narrow.png"))
    assert watched.faults == []


def test_a_link_to_members_shows_the_same_numbers(context, address):
    link = f"{address}?view=ensemble&{NORTH_ATLANTIC}&methods=bicubic&members=4&seed=3&ensemble=ensemble-4x-atmodist&theme=dark"
    numbers = []
    for _visit in range(2):
        page = watched_page(context)
        page.goto(link)
        seen(page, "4 members, seed 3.")
        until(page, lambda page=page: "CRPS of 4 members" in scores(page))
        seen(page, "All 4 members in float32")
        numbers.append(scores(page))
        assert page.faults == []
        page.close()
    assert numbers[0] == numbers[1], "the same seed gives the same members to every visitor"
