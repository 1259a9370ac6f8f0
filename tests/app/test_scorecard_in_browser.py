"""The scorecard, the line above the views and the place of the tour, in a real browser."""

import pytest

from tests.app.browsing import READY, opened, seen, served_without_fault, until
from tests.app.conftest import watched_page

pytestmark = pytest.mark.browser
PACIFIC = "region=-40,40,150,230"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served_without_fault(tmp_path_factory.mktemp("scorecard")) as url:
        yield url


def cell(page, measure, model, field="vorticity"):
    return page.locator(f"button[data-measure='{measure}'][data-model='{model}'][data-field='{field}']")


def line(page):
    return page.locator(".takeaway").inner_text()


def test_the_scorecard_opens_explains_itself_and_leads_to_the_views(watched, address):
    page = opened(watched, f"{address}?{PACIFIC}&methods=bicubic")
    until(page, lambda: line(page).startswith("In this region at this time, Bicubic has an RMSE"))
    top = page.locator(".takeaway").bounding_box()["height"]
    page.get_by_role("tab", name="Maps").focus()
    page.keyboard.press("0")
    until(page, lambda: "view=scorecard" in page.url)
    rmse = cell(page, "rmse", "srgan-4x-atmodist")
    rmse.wait_for()
    until(page, lambda: line(page).startswith("No model is best in everything"))
    assert page.locator(".takeaway").bounding_box()["height"] == top, "nothing jumps"
    seen(page, "280 times within 70 days of simulated weather", exact=False)
    rmse.hover()
    tip = page.locator(".tables .tip")
    tip.wait_for()
    text = tip.inner_text()
    assert text.startswith("AtmoDist GAN · root mean square error of vorticity") and "ideal 0" in text
    assert "MSE GAN (reference)" in text and "decided" in text and "× 10⁻" in text
    cell(page, "energy_ratio", "bicubic").focus()
    until(page, lambda: tip.inner_text().startswith("bicubic · power beyond the coarse Nyquist"))
    page.get_by_role("combobox", name="Compare with").click()
    # Releases of panel-material-ui differ in the role.
    entry = page.get_by_role("menuitem", name="bicubic").or_(page.get_by_role("option", name="bicubic"))
    entry.click()
    until(page, lambda: "reference=bicubic" in page.url)
    until(page, lambda: "bicubic (reference)" in (rmse.get_attribute("data-tip") or ""))
    page.get_by_role("button", name="All measures").click()
    cell(page, "power_ratio_91_112", "bicubic").wait_for()
    link = page.url
    assert "measures=all" in link
    cell(page, "energy_ratio", "srgan-4x-atmodist", "divergence").click()
    until(page, lambda: "view=spectra" in page.url and "field=divergence" in page.url)
    page.get_by_text(READY).first.wait_for()
    seen(page, "AtmoDist GAN")
    page.goto(link)
    cell(page, "power_ratio_91_112", "bicubic").wait_for()
    until(page, lambda: "bicubic (reference)" in (rmse.get_attribute("data-tip") or ""))
    assert watched.faults == []


@pytest.mark.parametrize("width", [820, 1280, 1920])
def test_the_tour_covers_no_results(browser, browser_context_args, address, width):
    context = browser.new_context(**{**browser_context_args, "viewport": {"width": width, "height": 900}})
    page = watched_page(context, tour_seen=False)
    opened(page, f"{address}?{PACIFIC}&methods=bicubic")
    tour = page.get_by_role("dialog", name="Guided tour")
    tour.wait_for()

    def overlaps():
        own = tour.bounding_box()
        boxes = [one.bounding_box() for one in page.locator(".map-card, .takeaway, [role=tab]").all()]
        return any(
            box
            and all(
                box[at] < own[at] + own[size] and own[at] < box[at] + box[size]
                for at, size in (("x", "width"), ("y", "height"))
            )
            for box in boxes
        )

    assert page.locator(".map-card").count() >= 3
    for _ in range(4):
        assert not overlaps()
        own = tour.bounding_box()
        assert own["x"] >= 0 and own["y"] + own["height"] <= 900
        # It is in front: what is at its middle is its own text.
        at = page.evaluate(
            "([x, y]) => { let e = document.elementFromPoint(x, y); while (e?.shadowRoot?.elementFromPoint(x, y) && "
            "e.shadowRoot.elementFromPoint(x, y) !== e) { e = e.shadowRoot.elementFromPoint(x, y); } return Boolean(e.closest('.tour-card')); }",
            [own["x"] + own["width"] / 2, own["y"] + 12],
        )
        assert at
        tour.get_by_role("button", name="Next").click()
    # Whatever the side bar has can be scrolled to above the card.
    last = page.get_by_role("checkbox").last
    page.locator(".sidebar").evaluate("bar => { bar.scrollTop = bar.scrollHeight; }")
    until(page, lambda: last.bounding_box()["y"] + last.bounding_box()["height"] <= tour.bounding_box()["y"])
    tabs = page.get_by_role("tab").all()
    assert all(tab.bounding_box()["x"] + tab.bounding_box()["width"] <= width for tab in tabs)
    tour.get_by_role("button", name="Done").click()
    tour.wait_for(state="hidden")
    assert page.faults == []
    context.close()


def test_on_a_phone_the_tour_is_a_sheet_that_folds(browser, browser_context_args, address):
    phone = "Mozilla/5.0 (Linux; Android 14) Chrome Mobile"
    context = browser.new_context(
        **{**browser_context_args, "viewport": {"width": 390, "height": 844}, "user_agent": phone}
    )
    page = watched_page(context, tour_seen=False)
    opened(page, f"{address}?view=maps&{PACIFIC}&methods=bicubic")
    tour = page.get_by_role("dialog", name="Guided tour")
    tour.wait_for()
    assert tour.bounding_box()["height"] < 0.4 * 844 + 1
    tour.get_by_role("button", name="Fold", exact=True).click()
    until(page, lambda: tour.bounding_box()["height"] < 60)
    tour.get_by_role("button", name="Unfold").click()
    until(page, lambda: tour.bounding_box()["height"] > 60)
    assert page.faults == []
    context.close()
