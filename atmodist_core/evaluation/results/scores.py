"""Scores per field of a finished evaluation, and errors over time."""

from __future__ import annotations

import numpy as np
import xarray as xr

from atmodist_core.evaluation.bootstrap import interval
from atmodist_core.evaluation.results.labelled import Finishing, dataset, described, with_interval
from atmodist_core.evaluation.results.result_measures import ResultMeasure
from atmodist_core.evaluation.run.member_run import DISTANCE, GLOBAL, EvaluatedModel
from atmodist_core.evaluation.statistics.similarity import LARGEST_LATITUDE, SERIES

DEFINITIONS = {
    "rmse": "Root of the mean squared difference from the truth, over area and time.",
    "mae": "Mean absolute difference from the truth, over area and time.",
    "correlation": "Correlation of the values with the truth's, over area and time.",
    "kurtosis": "Fourth moment about the mean over the squared variance, over area and time; 3 for normal values.",
    "kurtosis_ratio": "Kurtosis over that of the truth.",
    "block_mean_error": "Conservation: root mean square of the difference between the block means of the result and its coarse input, "
    "relative to that of the input.",
    "band_power_ratio": "Power per total wavenumber over the truth's, averaged over the wavenumbers that the coarse grid lacks.",
    "band_log_ratio": "Mean absolute logarithm of the same ratios: excess and lack do not make up for each other.",
    "spurious_power": "Power at wavenumbers above the truth's truncation over the truth's power in the band.",
    "pattern_constant": "Rms over the places in a coarse cell of the time mean of the grid-scale part, over the truth's grid-scale rms.",
    "pattern_modulated": "How much the variance of the grid-scale part differs between places in a coarse cell, over the truth's variance.",
    "zonal_line": "Height of the zonal spectrum at the wavenumber of the coarse grid over that of its neighbours.",
    "meridional_line": "Height of the meridional spectrum at the wavenumber of the coarse grid over that of its neighbours.",
    "wasserstein": "Area between the distribution functions of the values of result and truth, over the globe and all times.",
}
SECTIONS = {"kurtosis": "values", "mae": "values", "block_mean_error": "conservation"}
_SIMILARITY = f"within {LARGEST_LATITUDE:g} degrees of the equator, every grid point counting the same; range: the truth's there at that time"
SIMILARITIES = {
    "ssim": (
        "structural similarity",
        "1",
        f"Structural similarity index (Wang et al. 2004) with an 11 x 11 Gaussian window, {_SIMILARITY}.",
    ),
    "psnr": (
        "peak signal-to-noise ratio",
        "dB",
        f"10 log10 of the squared range over the mean squared error, {_SIMILARITY}.",
    ),
}


def departure(values: np.ndarray, ideal: str) -> np.ndarray:
    """How far values of a measure are from the right one.

    Parameters
    ----------
    values : numpy.ndarray
    ideal : {"zero", "one", "none"}
        From 0 it is the size; from 1 that of the natural logarithm, so that half and double are equally far and
        nothing at all is infinitely far; else it is missing.

    Returns
    -------
    numpy.ndarray
        Of the same shape, nowhere negative.

    Examples
    --------
    >>> departure(np.array([0.5, 2.0, 0.0]), "one").round(2)
    array([0.69, 0.69,  inf])
    """
    if ideal == "zero":
        return np.abs(values)
    if ideal != "one":
        return np.full_like(values, np.nan)
    with np.errstate(divide="ignore"):
        return np.abs(np.log(np.maximum(values, 0.0)))


def _advantages(replicates: np.ndarray, ideal: str, reference: int) -> np.ndarray:
    """Departure of the reference less that of every model, in the same resampled record; missing where none is finite."""
    departures = departure(replicates, ideal)
    of_reference = departures[:, reference, None]
    both = np.isfinite(departures) & np.isfinite(of_reference)
    return np.subtract(of_reference, departures, out=np.full_like(departures, np.nan), where=both)


def score_results(finishing: Finishing, series: bool, reference: str) -> xr.Dataset:
    """Every measure per field with its interval, and how much closer to the right value it is than the reference's.

    Parameters
    ----------
    finishing : Finishing
        The statistics.
    series : bool
        Whether SSIM and PSNR are there as well.
    reference : str
        Label of the model that the others are compared with.
    """
    result = finishing.judgement
    rows = [(measure.name, *_about(measure)) for measure in result.measures]
    replicates = {
        measure.name: np.stack([result.values[measure.name, label] for label in finishing.labels], axis=1)
        for measure in result.measures
    }
    if series:
        similarities = [_similarity_replicates(finishing, model) for model in finishing.prepared.models]
        for name, (long_name, units, definition) in SIMILARITIES.items():
            rows.append(
                (
                    name,
                    long_name,
                    f"{definition} Mean over time.",
                    "one" if name == "ssim" else "none",
                    units,
                    "series",
                )
            )
            replicates[name] = np.stack([each[name] for each in similarities], axis=1)
    names = [row[0] for row in rows]
    lows, highs = zip(*(interval(replicates[name]) for name in names), strict=True)
    axes = ("measure", "method", "field")
    long_name = "measure; what it is, and its units, are coordinates of the axis"
    definition = "See the coordinate of that name."
    variables = {
        "value": described(
            np.stack([replicates[name][0] for name in names]), axes, "see units", long_name, definition
        ),
        "low": described(
            np.stack(lows),
            axes,
            "see units",
            f"{long_name}, 2.5 %",
            "2.5 % of a bootstrap over blocks of days.",
        ),
        "high": described(
            np.stack(highs),
            axes,
            "see units",
            f"{long_name}, 97.5 %",
            "97.5 % of a bootstrap over blocks of days.",
        ),
        **with_interval(
            "advantage",
            np.stack(
                [_advantages(replicates[row[0]], row[3], finishing.labels.index(reference)) for row in rows],
                axis=1,
            ),
            axes,
            "see units, where 0 is right; else 1",
            "how much closer to the right value than the reference",
            f"Departure of {reference} from the right value less that of the model, in the same resampled days: above zero where the model "
            "is closer. The departure from 0 is the size, that from 1 the size of the natural logarithm.",
        ),
        "truth_kurtosis": described(
            result.truth_kurtosis[0], ("field",), "1", "kurtosis of the truth", DEFINITIONS["kurtosis"]
        ),
    }
    columns = dict(
        zip(
            ("long_name", "definition", "ideal", "units", "section"),
            list(zip(*rows, strict=True))[1:],
            strict=True,
        )
    )
    return dataset(
        variables,
        {
            "measure": names,
            "method": finishing.labels,
            **finishing.field_coordinates,
            **{name: ("measure", list(values)) for name, values in columns.items()},
        },
    )


def _about(measure: ResultMeasure) -> tuple[str, str, str, str, str]:
    """Long name, definition, ideal, units and section of a measure."""
    known = DEFINITIONS.get(measure.name)
    if known is None:
        known = _made_definition(measure.name)
    units = "field" if "[field]" in measure.head else ("field" if measure.name in ("mae",) else "1")
    head = measure.head.replace(" [field]", "")
    if measure.name.startswith("semivariance_ratio"):
        head = f"semivariance at {head} / truth's"
    elif measure.name.startswith("power_ratio_"):
        head = f"power of total wavenumbers {head} / truth's"
    section = SECTIONS.get(measure.name, measure.table or "values")
    return head, known, measure.ideal, units, section


def _made_definition(name: str) -> str:
    """Definition of a measure whose name has numbers in it."""
    if name.startswith("power_ratio_"):
        first, last = name.removeprefix("power_ratio_").split("_")
        return f"Power of total wavenumbers {first} to {last} together, over the truth's."
    if name.startswith("semivariance_ratio_"):
        lag = name.removeprefix("semivariance_ratio_").removesuffix("_km")
        return f"Half the mean squared difference of values {lag} km apart, over the truth's."
    share = name.removeprefix("quantile_").removesuffix("_ratio")
    return f"Value below which {share} % of area and time lie, over the truth's."


def _similarity_replicates(finishing: Finishing, model: EvaluatedModel) -> dict[str, np.ndarray]:
    return dict(finishing.reader.sums(model, SERIES).means(finishing.counts))


def series_results(finishing: Finishing) -> xr.Dataset:
    """RMSE, SSIM, PSNR and learned distance of every model at every time."""
    prepared = finishing.prepared
    times = np.concatenate([prepared.selection.times(member, GLOBAL) for member in prepared.data])
    found: dict[str, list[np.ndarray]] = {"rmse": [], "ssim": [], "psnr": [], "atmodist": []}
    for model in prepared.models:
        parts: dict[str, list[np.ndarray]] = {name: [] for name in found}
        for member, run in zip(prepared.data, prepared.runs, strict=True):
            some = prepared.selection.times(member, GLOBAL)
            errors = run.stores.of_model(model, GLOBAL).load(some, ["squared_error"])
            parts["rmse"].append(np.sqrt(errors["squared_error"].values))
            similar = run.stores.of_model(model, SERIES).load(some)
            for name in SIMILARITIES:
                parts[name].append(similar[name].values)
            if prepared.distance is not None:
                learned = run.stores.of_model(model, DISTANCE).load(some)
                parts["atmodist"].append(learned["atmodist"].values[:, -1])
        for name, pieces in parts.items():
            if pieces:
                found[name].append(np.concatenate(pieces))
    axes = ("method", "field", "time")
    variables = {
        "rmse": described(
            np.stack(found["rmse"]).swapaxes(1, 2),
            axes,
            finishing.common_units,
            "root mean square error",
            "Root of the area mean of the squared difference from the truth.",
        ),
        **{
            name: described(np.stack(found[name]).swapaxes(1, 2), axes, units, long_name, definition)
            for name, (long_name, units, definition) in SIMILARITIES.items()
        },
    }
    if prepared.distance is not None:
        variables["atmodist"] = described(
            np.stack(found["atmodist"]),
            ("method", "time"),
            "1",
            "AtmoDist to the truth",
            f"Distance of {prepared.distance.network.name} at its layer {prepared.distance.layers[-1]}, mean over the globe.",
        )
    return dataset(
        variables,
        {"method": finishing.labels, **finishing.field_coordinates, "time": times.astype("datetime64[ns]")},
    )
