"""Time the evaluation of a downscaled field against a plain NumPy, SciPy and pyshtools loop for the same numbers.

::

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --times 8 --workers 2

What is computed for each time of a bicubic result (two fields, 360 x 720 points, truncation 179, Driscoll-Healy grid, the only
one of this size that pyshtools has): power per total wavenumber, RMSE, mean absolute error, correlation, kurtosis, error of the
block means, distribution of values (4096 bins), semivariance at six lags (50 000 pairs each), SSIM, peak signal-to-noise ratio, values in
four boxes at 150 cities, and maps of four moments and of the error. The plain loop is what one writes first: every statistic from the
fields, time by time, with the library's function where there is one. It is checked to give the same numbers. Both take turns; ours also
writes its store, and computes grid patterns and spectra of lines that the loop leaves out. pyshtools comes with the ``test`` extra.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ROWS, COLUMNS, TRUNCATION, FACTOR = 360, 720, 179, 4


def weather(times: int, folder: Path) -> Path:
    """Made-up vorticity and divergence with a red spectrum on the Driscoll-Healy grid, as a file."""
    import numpy as np
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
        "latitude": (
            "latitude",
            transform.latitudes,
            {"units": "degrees_north", "standard_name": "latitude"},
        ),
        "longitude": (
            "longitude",
            transform.longitudes,
            {"units": "degrees_east", "standard_name": "longitude"},
        ),
    }
    path = folder / "weather.nc"
    xr.Dataset(fields, coordinates, {"source": "made up", "grid": "driscoll-healy"}).to_netcdf(
        path, engine="netcdf4"
    )
    return path


class PlainLoop:
    """The same statistics, each from the fields, one time and field after the other."""

    def __init__(self, latitude, longitude, cities) -> None:
        import numpy as np

        self.latitude, self.longitude, self.cities = latitude, longitude, cities
        self.random = np.random.default_rng(0)
        self.moments = 0.0

    def __call__(self, prediction, truth) -> dict:
        """Statistics of one time; arrays of shape (field, latitude, longitude)."""
        import numpy as np
        import pyshtools
        from scipy.ndimage import gaussian_filter

        weights = np.cos(np.deg2rad(self.latitude))[:, None] * np.ones(COLUMNS)
        weights /= weights.sum()
        found: dict = {"power": [], "rmse": [], "mae": [], "correlation": [], "kurtosis": [], "block": []}
        found |= {"histogram": [], "semivariance": [], "ssim": [], "psnr": [], "cities": []}
        for a32, b32 in zip(prediction, truth, strict=True):
            a, b = a32.astype(float), b32.astype(float)
            coefficients = pyshtools.expand.SHExpandDH(a, norm=4, sampling=2)
            found["power"].append(pyshtools.spectralanalysis.spectrum(coefficients, normalization="ortho"))
            found["rmse"].append(np.sqrt((weights * (a - b) ** 2).sum()))
            found["mae"].append((weights * np.abs(a - b)).sum())
            da, db = a - (weights * a).sum(), b - (weights * b).sum()
            va, vb = (weights * da**2).sum(), (weights * db**2).sum()
            found["correlation"].append((weights * da * db).sum() / np.sqrt(va * vb))
            found["kurtosis"].append((weights * da**4).sum() / va**2)
            means = [x.reshape(ROWS // 4, 4, COLUMNS // 4, 4).mean(axis=(1, 3)) for x in (a, b)]
            found["block"].append(np.sqrt(((means[0] - means[1]) ** 2).mean() / (means[1] ** 2).mean()))
            edges = 1e-6 * np.sinh(np.linspace(-np.arcsinh(1e6), np.arcsinh(1e6), 4097))
            found["histogram"].append(np.histogram(a, bins=edges, weights=weights)[0])
            found["semivariance"].append(
                [self._semivariance(a, lag) for lag in (56, 100, 200, 300, 500, 1000)]
            )
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
            found["cities"].append(self._at_cities(a))
            powers = [
                x.reshape(ROWS // 4, 4, COLUMNS // 4, 4).sum(axis=(1, 3))
                for x in (a, a**2, a**3, a**4, (a - b) ** 2)
            ]
            self.moments = self.moments + np.array(powers)
        return found

    def _semivariance(self, a, lag_km):
        """Pairs of grid points about a distance apart: start by area, great circle in a random direction, nearest point."""
        import numpy as np

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
        import numpy as np

        values = []
        for latitude, longitude in self.cities:
            row = int(np.abs(self.latitude - latitude).argmin())
            column = int(np.abs(self.longitude - longitude % 360).argmin())
            for side in (1, 2, 3, 9):
                rows = np.arange(row - side // 2, row - side // 2 + side)
                columns = np.arange(column - side // 2, column - side // 2 + side) % COLUMNS
                values.append(a[np.ix_(rows, columns)].ravel())
        return np.concatenate(values)


def check(plain: list[dict], plain_truth: list[dict], run, times) -> None:
    """The plain loop's numbers are those of the store."""
    import numpy as np

    stored = run.stores.of_model(run.models[0], "global").load(times)
    # Of the truth: the result has power beyond the truncation, which every quadrature folds back in its own way.
    of_truth = run.stores.of_truth("global").load(times)["power"].values
    power = np.array([one["power"] for one in plain_truth])
    assert np.allclose(of_truth[..., 1 : TRUNCATION + 1], power[..., 1:], rtol=1e-3, atol=1e-20)
    rmse = np.array([one["rmse"] for one in plain])
    assert np.allclose(np.sqrt(stored["squared_error"].values), rmse, rtol=5e-3)
    shares = np.array([one["histogram"] for one in plain])
    assert np.abs(stored["value_share"].values - shares).sum(axis=-1).max() < 0.02
    semivariance = np.array([one["semivariance"] for one in plain])
    assert np.allclose(stored["semivariance"].values.mean(axis=0), semivariance.mean(axis=0), rtol=0.05)
    similar = run.stores.of_model(run.models[0], "series").load(times)
    assert np.allclose(similar["ssim"].values, [one["ssim"] for one in plain], atol=2e-3)
    assert np.allclose(similar["psnr"].values, [one["psnr"] for one in plain], atol=0.1)


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
    import numpy as np
    import torch

    from atmodist_core.evaluation.judging.one_time import OneTime
    from atmodist_core.evaluation.period.evaluation_plan import EvaluationPlan
    from atmodist_core.evaluation.period.evaluation_run import evaluate, prepare_evaluation
    from atmodist_core.fields import coarsen, open_fields
    from atmodist_core.geography import cities
    from atmodist_core.harmonics import keep_freed_memory

    keep_freed_memory()  # as train/evaluate.py does
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, NumPy {np.__version__}, {os.cpu_count()} processors; {arguments.times} times, two fields each"
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
        plan = EvaluationPlan(models=("bicubic",), data=(str(path),), out=folder / "checked", torch_threads=1)
        prepared = evaluate(plan)
        assert prepared is not None  # nobody stopped it
        run = prepared.runs[0]
        coarse = [coarsen(fields.isel(time=[n]), FACTOR) for n in range(arguments.times)]
        results = [run.models[0].downscaler(one) for one in coarse]
        predictions = [np.stack([one[f].values[0] for f in run.data.names]) for one in results]
        truths = [np.stack([fields[f].values[n] for f in run.data.names]) for n in range(arguments.times)]
        truth_fields = [fields.isel(time=[n]) for n in range(arguments.times)]
        where = cities()[["latitude", "longitude"]].to_numpy()
        plain = PlainLoop(fields["latitude"].values, fields["longitude"].values, where)
        by_loop = [plain(*pair) for pair in zip(predictions, truths, strict=True)]
        check(by_loop, [plain(truth, truth + 1e-9) for truth in truths], run, run.data.times)
        print("the plain loop gives the numbers of the store")

        def ours(some: Iterable[int]) -> None:
            for n in some:
                # A new one each time, which knows nothing yet: the groups keep in it what they share.
                moment = OneTime(predictions[n], truths[n], results[n], truth_fields[n])
                for group in run.groups:
                    group(moment)

        for _ in range(arguments.rounds):
            began = time.perf_counter()
            for pair in zip(predictions, truths, strict=True):
                plain(*pair)
            seconds["plain loop, 1 core"].append(time.perf_counter() - began)
            began = time.perf_counter()
            ours(range(arguments.times))
            seconds["ours, statistics, 1 core"].append(time.perf_counter() - began)
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(arguments.workers) as pool:
                began = time.perf_counter()
                list(
                    pool.map(
                        ours, [range(n, arguments.times, arguments.workers) for n in range(arguments.workers)]
                    )
                )
                seconds["ours, statistics, all cores"].append(time.perf_counter() - began)
        peer = statistics.median(seconds["plain loop, 1 core"])
        print("\n| contestant | fields/s | spread | ratio to the plain loop |\n|---|---:|---|---:|")
        for label, values in seconds.items():
            rates = [2 * arguments.times / value for value in values]
            middle = statistics.median(rates)
            print(
                f"| {label} | {middle:.1f} | {min(rates):.1f} to {max(rates):.1f} | {middle * peer / (2 * arguments.times):.1f} |"
            )
        began = time.perf_counter()
        whole = prepare_evaluation(
            EvaluationPlan(models=("bicubic",), data=(str(path),), out=folder / "timed", torch_threads=1)
        )
        whole.runs[0]()
        print(
            f"\nwith reading, coarsening, bicubic interpolation and the store: {2 * arguments.times / (time.perf_counter() - began):.1f} fields/s on one core"
        )


if __name__ == "__main__":
    main()
