"""Time the evaluation of a downscaled field against a plain NumPy, SciPy and pyshtools loop for the same numbers.

::

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --times 8 --workers 2

For each time of the results of two models (bicubic and bilinear interpolation) and of the truth (two fields, 360 x
720 points, truncation 179, Driscoll-Healy grid, the only one of this size that pyshtools has): power per total
wavenumber, distribution of values (4096 bins), semivariance at six lags (50 000 pairs each), values in four boxes
at 150 cities and maps of four moments; of the models also RMSE, mean absolute error, correlation, kurtosis, error
of the block means, SSIM, peak signal-to-noise ratio and a map of the error. The plain loop computes every statistic
from the fields, time by time and model by model, and is checked to give the same numbers. Both take turns; ours
also writes its store, goes to twice the truncation, and computes grid patterns and spectra of lines. pyshtools
comes with the ``test`` extra.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ROWS, COLUMNS, TRUNCATION, FACTOR = 360, 720, 179, 4
MODELS = ("bicubic", "bilinear")


def weather(times: int, folder: Path) -> Path:
    """Made-up vorticity and divergence with a red spectrum on the Driscoll-Healy grid, as a file."""
    import torch
    import xarray as xr

    from atmodist_core.harmonics import get_transform

    transform = get_transform(ROWS, COLUMNS, TRUNCATION, "driscoll-healy", dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    degree = torch.arange(TRUNCATION + 1, dtype=torch.float64)
    amplitude = torch.zeros_like(degree)
    amplitude[1:] = (degree[1:] ** -1.0 / (2 * degree[1:] + 1)).sqrt()
    fields = {}
    for name, scale in (("vorticity", 3e-5), ("divergence", 1e-5)):
        shape = (times, TRUNCATION + 1, TRUNCATION + 1)
        real, imaginary = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
        imaginary[..., 0] = 0
        coefficients = torch.tril(torch.complex(real, imaginary) * amplitude[:, None])
        values = (scale * transform.synthesis(coefficients)).numpy().astype(np.float32)
        fields[name] = (("time", "latitude", "longitude"), values, {"units": "s-1"})
    dates = np.datetime64("2001-01-01T00", "ns") + np.arange(times) * np.timedelta64(3, "h")
    coordinates = {
        "time": dates,
        "latitude": ("latitude", transform.latitudes, {"units": "degrees_north"}),
        "longitude": ("longitude", transform.longitudes, {"units": "degrees_east"}),
    }
    path = folder / "weather.nc"
    xr.Dataset(fields, coordinates, {"source": "made up", "grid": "driscoll-healy"}).to_netcdf(
        path, engine="netcdf4"
    )
    return path


class PlainLoop:
    """The same statistics, each from the fields, one time and field after the other."""

    def __init__(self, latitude, longitude, cities) -> None:
        self.latitude, self.longitude, self.cities = latitude, longitude, cities
        self.random = np.random.default_rng(0)
        self.moments: Any = 0.0
        self.errors: Any = 0.0

    def of_field(self, fields) -> dict:
        """Statistics of one time of a model, or of the truth; an array of shape (field, latitude, longitude)."""
        import pyshtools

        weights = self._weights()
        found: dict = {"power": [], "histogram": [], "semivariance": [], "cities": []}
        for a in fields.astype(float):
            coefficients = pyshtools.expand.SHExpandDH(a, norm=4, sampling=2)
            found["power"].append(pyshtools.spectralanalysis.spectrum(coefficients, normalization="ortho"))
            edges = 1e-6 * np.sinh(np.linspace(-np.arcsinh(1e6), np.arcsinh(1e6), 4097))
            found["histogram"].append(np.histogram(a, bins=edges, weights=weights)[0])
            found["semivariance"].append(
                [self._semivariance(a, lag) for lag in (56, 100, 200, 300, 500, 1000)]
            )
            found["cities"].append(self._at_cities(a))
            powers = [self._in_cells(x) for x in (a, a**2, a**3, a**4)]
            self.moments = self.moments + np.array(powers)
        return found

    def of_pair(self, prediction, truth) -> dict:
        """Statistics of one time of a model together with the truth; arrays of shape (field, latitude, longitude)."""
        from scipy.ndimage import gaussian_filter

        weights = self._weights()
        names = ("rmse", "mae", "correlation", "kurtosis", "block", "ssim", "psnr")
        found: dict = {name: [] for name in names}
        for a, b in zip(prediction.astype(float), truth.astype(float), strict=True):
            found["rmse"].append(np.sqrt((weights * (a - b) ** 2).sum()))
            found["mae"].append((weights * np.abs(a - b)).sum())
            da, db = a - (weights * a).sum(), b - (weights * b).sum()
            va, vb = (weights * da**2).sum(), (weights * db**2).sum()
            found["correlation"].append((weights * da * db).sum() / np.sqrt(va * vb))
            found["kurtosis"].append((weights * da**4).sum() / va**2)
            means = [x.reshape(ROWS // 4, 4, COLUMNS // 4, 4).mean(axis=(1, 3)) for x in (a, b)]
            found["block"].append(np.sqrt(((means[0] - means[1]) ** 2).mean() / (means[1] ** 2).mean()))
            near = np.abs(self.latitude) <= 60
            x, y = a[near], b[near]
            span = y.max() - y.min()
            smooth = [gaussian_filter(z, 1.5, truncate=10 / 3) for z in (x, y, x * x, y * y, x * y)]
            c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
            mx, my = smooth[:2]
            vx, vy, vxy = smooth[2] - mx * mx, smooth[3] - my * my, smooth[4] - mx * my
            index = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
            found["ssim"].append(index[5:-5, 5:-5].mean())
            found["psnr"].append(10 * np.log10(span**2 / ((x - y) ** 2).mean()))
            self.errors = self.errors + self._in_cells((a - b) ** 2)
        return found

    def _weights(self):
        weights = np.cos(np.deg2rad(self.latitude))[:, None] * np.ones(COLUMNS)
        return weights / weights.sum()

    def _in_cells(self, a):
        return a.reshape(ROWS // 4, 4, COLUMNS // 4, 4).sum(axis=(1, 3))

    def _semivariance(self, a, lag_km):
        """Pairs of grid points about a distance apart: start by area, great circle in a random direction, nearest point."""
        latitude = np.rad2deg(np.arcsin(self.random.uniform(-1, 1, 50_000)))
        longitude = self.random.uniform(0, 360, 50_000)
        bearing, angle = self.random.uniform(0, 2 * np.pi, 50_000), lag_km / 6371.0
        row = np.clip(np.rint((self.latitude[0] - latitude) / (180 / ROWS)).astype(int), 0, ROWS - 1)
        column = np.rint(longitude / (360 / COLUMNS)).astype(int) % COLUMNS
        phi, lam = np.deg2rad(self.latitude[row]), np.deg2rad(self.longitude[column])
        end = np.arcsin(np.sin(phi) * np.cos(angle) + np.cos(phi) * np.sin(angle) * np.cos(bearing))
        east = lam + np.arctan2(
            np.sin(bearing) * np.sin(angle) * np.cos(phi), np.cos(angle) - np.sin(phi) * np.sin(end)
        )
        row_b = np.clip(np.rint((self.latitude[0] - np.rad2deg(end)) / (180 / ROWS)).astype(int), 0, ROWS - 1)
        column_b = np.rint(np.rad2deg(east) / (360 / COLUMNS)).astype(int) % COLUMNS
        return 0.5 * ((a[row, column] - a[row_b, column_b]) ** 2).mean()

    def _at_cities(self, a):
        """Values in boxes of 1, 2, 3 and 9 points around each city."""
        values = []
        for latitude, longitude in self.cities:
            row = int(np.abs(self.latitude - latitude).argmin())
            column = int(np.abs(self.longitude - longitude % 360).argmin())
            for side in (1, 2, 3, 9):
                rows = np.arange(row - side // 2, row - side // 2 + side)
                columns = np.arange(column - side // 2, column - side // 2 + side) % COLUMNS
                values.append(a[np.ix_(rows, columns)].ravel())
        return np.concatenate(values)


def check(alone: list[dict], pairs: list[dict], truths: list[dict], run, times) -> None:
    """The plain loop's numbers of the first model, and of the truth, are those of the store."""
    model = run.load(run.models[0], "area", times)
    # Of the truth: the result has power beyond the truncation, which every quadrature folds back in its own way.
    of_truth = run.load(None, "area", times)
    power = np.array([one["power"] for one in truths])
    assert np.allclose(
        of_truth["power"].values[..., 1 : TRUNCATION + 1], power[..., 1:], rtol=1e-3, atol=1e-20
    )
    rmse = np.array([one["rmse"] for one in pairs])
    assert np.allclose(np.sqrt(model["squared_error"].values), rmse, rtol=5e-3)
    for stored, found in ((model, alone), (of_truth, truths)):
        shares = np.array([one["histogram"] for one in found])
        assert np.abs(stored["value_share"].values - shares).sum(axis=-1).max() < 0.02
        semivariance = np.array([one["semivariance"] for one in found])
        assert np.allclose(stored["semivariance"].values.mean(axis=0), semivariance.mean(axis=0), rtol=0.05)
    similar = run.load(run.models[0], "series", times)
    assert np.allclose(similar["ssim"].values, [one["ssim"] for one in pairs], atol=2e-3)
    assert np.allclose(similar["psnr"].values, [one["psnr"] for one in pairs], atol=0.1)


def main() -> None:
    """Print fields per second of both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    if find_spec("pyshtools") is None:
        print(
            "Skipped: needs pyshtools, which is not installed; install the extra with pip install -e '.[test]'."
        )
        return
    import torch

    from atmodist_core.evaluation.run.evaluation import evaluate, prepare_evaluation
    from atmodist_core.evaluation.run.plan import EvaluationPlan
    from atmodist_core.evaluation.statistics.snapshot import Snapshot
    from atmodist_core.fields import coarsen, open_fields
    from atmodist_core.fields.grid.geography import cities
    from atmodist_core.harmonics import keep_freed_memory

    keep_freed_memory()  # as train/evaluate.py does
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, NumPy {np.__version__}, {os.cpu_count()} processors; {arguments.times} times, two models, two fields each"
    )
    seconds: dict[str, list[float]] = {
        "plain loop, 1 core": [],
        "ours, statistics, 1 core": [],
        "ours, statistics, all cores": [],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = weather(arguments.times, folder)
        fields = open_fields(path).load()
        plan = EvaluationPlan(models=MODELS, data=(str(path),), out=folder / "checked", torch_threads=1)
        prepared = evaluate(plan)
        assert prepared is not None  # nobody stopped it
        run, times = prepared.runs[0], range(arguments.times)

        def values(of: Any) -> Any:
            return np.stack([of[name].values[0] for name in run.data.names])

        truth_fields = [fields.isel(time=[n]) for n in times]
        coarse = [coarsen(one, FACTOR) for one in truth_fields]
        results = [[model.downscaler(one) for model in run.models] for one in coarse]
        predictions = [[values(result) for result in one] for one in results]
        truths = [values(one) for one in truth_fields]
        where = cities()[["latitude", "longitude"]].to_numpy()
        plain = PlainLoop(fields["latitude"].values, fields["longitude"].values, where)
        check(
            [plain.of_field(one[0]) for one in predictions],
            [plain.of_pair(one[0], truth) for one, truth in zip(predictions, truths, strict=True)],
            [plain.of_field(truth) for truth in truths],
            run,
            run.data.times,
        )
        print("the plain loop gives the numbers of the store")

        def loop() -> None:
            for of_models, truth in zip(predictions, truths, strict=True):
                plain.of_field(truth)
                for prediction in of_models:
                    plain.of_field(prediction)
                    plain.of_pair(prediction, truth)

        def ours(some: Iterable[int]) -> None:
            for n in some:
                # New ones each time, which know nothing yet: the groups keep in them what they share.
                truth = Snapshot(truths[n], truths[n], truth_fields[n], truth_fields[n])
                for group in run.groups.values():
                    if group.of_truth:
                        group(truth)
                for prediction, result in zip(predictions[n], results[n], strict=True):
                    moment = Snapshot(prediction, truths[n], result, truth_fields[n], truth)
                    for group in run.groups.values():
                        group(moment)

        for _ in range(arguments.rounds):
            began = time.perf_counter()
            loop()
            seconds["plain loop, 1 core"].append(time.perf_counter() - began)
            began = time.perf_counter()
            ours(times)
            seconds["ours, statistics, 1 core"].append(time.perf_counter() - began)
            with ThreadPoolExecutor(arguments.workers) as pool:
                began = time.perf_counter()
                parts = [times[n :: arguments.workers] for n in range(arguments.workers)]
                list(pool.map(ours, parts))
                seconds["ours, statistics, all cores"].append(time.perf_counter() - began)
        peer, fields_of_models = (
            statistics.median(seconds["plain loop, 1 core"]),
            2 * len(MODELS) * len(times),
        )
        print("\n| contestant | fields/s | spread | ratio to the plain loop |\n|---|---:|---|---:|")
        for label, found in seconds.items():
            rates = [fields_of_models / one for one in found]
            middle = statistics.median(rates)
            print(
                f"| {label} | {middle:.1f} | {min(rates):.1f} to {max(rates):.1f} | {middle * peer / fields_of_models:.1f} |"
            )
        began = time.perf_counter()
        whole = prepare_evaluation(
            EvaluationPlan(models=MODELS, data=(str(path),), out=folder / "timed", torch_threads=1)
        )
        whole.runs[0]()
        rate = fields_of_models / (time.perf_counter() - began)
        print(
            f"\nwith reading, coarsening, the interpolations and the store: {rate:.1f} fields/s on one core"
        )


if __name__ == "__main__":
    main()
