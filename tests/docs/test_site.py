"""The site builds without a warning, and is read without a network: in Chromium, from the files alone."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import atmodist_core as ad

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "docs" / "_build" / "html"
PAGES = (
    "docs/index.html",
    "docs/method.html",
    "docs/app.html",
    "docs/experiments.html",
    "docs/reference/atmodist_core.html",
    "docs/gallery_pages/index.html",
    "docs/gallery_pages/04_distances_in_time.html",
    "docs/gallery_pages/10_plots_of_maps.html",
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def site() -> Path:
    """The site, up to date: what has not changed since ``make docs`` is not made again."""
    pytest.importorskip("sphinx", reason="needs the extra docs")
    command = (
        f"-m sphinx -b html -W --keep-going -q -d docs/_build/doctrees -c docs . {SITE.relative_to(ROOT)}"
    )
    done = subprocess.run(
        [sys.executable, *command.split()], cwd=ROOT, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return SITE


class _Page(HTMLParser):
    """Anchors, links and loaded files of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in ("img", "script", "iframe", "source") and "src" in values:
            self.loaded.append(values["src"])
        if tag == "link" and values.get("rel") not in ("canonical",) and "href" in values:
            self.loaded.append(values["href"])


def test_every_link_of_the_site_leads_somewhere(site):
    pages = {file: _Page(file.read_text()) for file in site.rglob("*.html")}
    assert len(pages) > 30
    broken = []
    for file, page in pages.items():
        for address in page.links + page.loaded:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https", "mailto", "data", "javascript"):
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors):
                broken.append(f"{file.relative_to(site)}: {address}")
    assert not broken


def test_nothing_is_loaded_from_elsewhere(site):
    """In no page, also not in those that are not opened below, and in no style sheet."""
    found = [
        f"{file.relative_to(site)}: {address}"
        for file in site.rglob("*.html")
        for address in _Page(file.read_text()).loaded
        if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc
    ]
    outside = re.compile(r"""url\(\s*["']?(?:https?:)?//|@import\s+["'](?:https?:)?//""")
    found += [str(file.relative_to(site)) for file in site.rglob("*.css") if outside.search(file.read_text())]
    assert not found


def test_the_reference_describes_all_that_is_public(site):
    described = {
        anchor
        for file in (site / "docs" / "reference").glob("*.html")
        for anchor in _Page(file.read_text()).anchors
    }
    for name in set(ad.__all__) - {"__version__", "REGIONS"}:
        assert f"atmodist_core.{name}" in described or f"module-atmodist_core.{name}" in described, name
    for package in ("evaluation", "networks", "harmonics"):
        for name in getattr(ad, package).__all__:
            own = [a for a in described if a.endswith(f".{name}")]
            assert own, f"{package}.{name}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_pages_are_read_without_a_network(site, browser, theme, width):
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900})
    asked: list[str] = []
    wrong: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    for name in PAGES:
        page.goto((site / name).as_uri())
        page.wait_for_load_state("load")
        page.evaluate("document.fonts.ready")
        assert page.locator("h1").first.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (
            f"{name} is wider than the window"
        )
        missing = page.evaluate(
            "[...document.images].filter(i => i.loading !== 'lazy' && i.naturalWidth === 0).map(i => i.src)"
        )
        assert not missing, name
    context.close()
    assert not wrong
    assert not [address for address in asked if not address.startswith(("file:", "data:"))]


def test_equations_are_drawn(site, browser):
    """As MathML with the font that lies beside the pages: a fraction stands high, brackets grow, no TeX is left to see."""
    page = browser.new_page()
    page.goto((site / "docs" / "method.html").as_uri())
    equations = (ROOT / "docs" / "method.md").read_text().count("$$") // 2
    assert equations > 15
    blocks = page.locator(".equation > math")
    assert blocks.count() == equations
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.fonts.check('16px \"STIX Two Math subset\"')")
    heights = page.evaluate(
        "[...document.querySelectorAll('.equation > math')].map(m => m.getBoundingClientRect().height)"
    )
    assert min(heights) > 12
    with_fraction = page.evaluate(
        "[...document.querySelectorAll('.equation > math:has(mfrac)')].map(m => m.getBoundingClientRect().height)"
    )
    assert min(with_fraction) > 30, "a fraction on one line is not drawn as one"
    bracket = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.equation mo')].map(m => m.getBoundingClientRect().height))"
    )
    assert bracket > 30, "large brackets need the font's MATH table"
    text = page.locator("article").inner_text()
    assert not re.search(r"\$\$|\\frac|\\left|\\sum|merror", text)
    assert page.locator("merror").count() == 0
    page.close()


def test_the_search_finds_from_the_files_alone(site, browser):
    page = browser.new_page()
    page.goto((site / "search.html").as_uri() + "?q=semivariogram")
    page.locator("#search-results li").first.wait_for(timeout=20_000)
    assert "semivariogram" in page.locator("#search-results").inner_text().lower()
    page.close()
