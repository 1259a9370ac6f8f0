"""The notebook of the documentation runs in a fresh kernel, and its cells show what they speak of."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient


@pytest.fixture(scope="module")
def executed(repository):
    """The notebook after all of its cells have run; the kernel opens sockets of the loopback only."""
    path = repository / "docs" / "notebooks" / "plots.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "stored without outputs"
    environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(repository)}}
    )
    client.execute(env=environment)
    return notebook


def outputs(notebook, words):
    """Outputs of the cell whose source has these words."""
    (cell,) = [c for c in notebook.cells if c.cell_type == "code" and words in c.source]
    return [output for output in cell.outputs if output.output_type != "stream"]


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("maps = ad.plots.maps", ("coarse input", "bicubic", "AtmoDist GAN", "truth")),
        ('projection="robinson"', ("truth",)),
        ("spectra = ad.plots.spectra", ("total wavenumber",)),
        ("Truth in other colours", ("Truth in other colours",)),
        ("hv.Rectangles", ("Quad", "vorticity at 50")),
        ("gv.Points", ("relative vorticity",)),
    ],
)
def test_cells_show_plots(executed, words, titles):
    (shown,) = [o for o in outputs(executed, words) if "text/html" in o.get("data", {})]
    html = shown.data["text/html"]
    assert "application/vnd.holoviews_exec.v0+json" in shown.data
    text = html + json.dumps(shown.data)
    for title in titles:
        assert title in text or json.dumps(title)[1:-1] in text, title
    assert '<script src="http' not in html


def test_explore_has_widgets_for_every_choice(executed):
    found = [o for o in outputs(executed, "mine.atmodist.explore") if o.get("data")]
    text = json.dumps([o.data for o in found])
    for choice in ("2020-01-01T06:00", "everywhere", "divergence", "polar-stereographic"):
        assert choice in text, choice


def test_no_cell_warns(executed):
    streams = [
        o for c in executed.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "stream"
    ]
    assert [o.text for o in streams if o.name == "stderr"] == []
    assert any("maps.html" in o.text for o in streams)


@pytest.mark.parametrize("package", ["panel", "holoviews"])
def test_without_what_widgets_need_one_sentence(package, repository):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "import numpy as np, xarray as xr, atmodist_core as ad\n"
        "axes = {'time': [np.datetime64('2001-01-01', 'ns')], 'latitude': [1.5, 0.5], 'longitude': [0.5, 1.5]}\n"
        "field = (tuple(axes), np.ones((1, 2, 2)), {'units': 's-1'})\n"
        "ds = xr.Dataset({'vorticity': field, 'divergence': field}, axes)\n"
        "try:\n    ds.atmodist.explore([])\nexcept ad.UserError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True)
    assert done.stdout.strip() == (
        f"Expected HoloViews and Bokeh for plots, found {package} missing; install them with: pip install 'atmodist-studio[plots]'."
    ), done.stderr
