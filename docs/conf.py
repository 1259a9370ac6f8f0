"""Configuration of the site: ``make docs`` builds it into docs/_build/html, without a network.

The sources are the Markdown files of the repository, so that links between them work on a code host as well. The site adds the
contents, the reference and the gallery.
"""

import os
import sys
from pathlib import Path

# The gallery runs during the build, without windows.
os.environ.setdefault("MPLBACKEND", "agg")

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_extensions")]

import atmodist_core as ad
from atmodist_core.figures.method_styles import method_style

project = "AtmoDist Studio"
author = "AtmoDist Studio authors"
copyright = author
version = release = ad.__version__
language = "en"

root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/gallery_pages/**",
    "docs/reference/**",
    "*.md",
    "benchmarks/README.md",
    "assets/geography/SOURCES.md",
    "app/globe/SOURCES.md",
    "docs/_static/fonts/SOURCES.md",
]
# Folders that are not searched.
exclude_patterns = [
    "data",
    "runs",
    "tests",
    "build",
    "dist",
    "docs/_build",
    ".*",
    "**/node_modules",
    "**/__pycache__",
]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "contents",
    "example_figures",
    "mathml",
    "reference",
]

# Texts
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nitpicky = True
# Types of other packages have no links.
nitpick_ignore_regex = [("py:class", r"(?!atmodist_core).*")]

# Reference
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings give types with shapes and units
autosummary_generate = False
napoleon_google_docstring = False
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": "docs/gallery",
    "gallery_dirs": "docs/gallery_pages",
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "image_scrapers": ("example_figures",),
    "capture_repr": (),
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 1e9,  # run times depend on the machine
    "write_computation_times": False,
}

# Look: the colours of the page
_METHOD_COLOURS = {
    f"color-method-{name}": str(method_style(name).colour)
    for name in ("coarse", "bicubic", "srgan-4x-mse", "srgan-4x-atmodist")
}
html_theme = "furo"
html_title = "AtmoDist Studio"
html_static_path = ["_static"]
html_css_files = ["studio.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_baseurl = ""
html_additional_pages = {"index": "start.html"}
templates_path = ["_templates"]
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1d5f8a",
        "color-brand-content": "#1d5f8a",
        "color-brand-visited": "#1d5f8a",
        "color-foreground-primary": "#16202c",
        "color-background-secondary": "#f3f5f8",
        "color-background-border": "#d8dee6",
        "color-api-name": "#1d5f8a",
        "color-api-pre-name": "#5b6878",
        "color-api-keyword": "#5b6878",
        "color-truth-line": "#16202c",
        **_METHOD_COLOURS,
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cc0ee",
        "color-brand-content": "#7cc0ee",
        "color-brand-visited": "#7cc0ee",
        "color-foreground-primary": "#e8eef4",
        "color-background-primary": "#0c1218",
        "color-background-secondary": "#131a22",
        "color-background-border": "#2a3542",
        "color-api-name": "#7cc0ee",
        "color-api-pre-name": "#97a4b3",
        "color-api-keyword": "#97a4b3",
        "color-truth-line": "#f4f7fa",
        **_METHOD_COLOURS,
    },
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
