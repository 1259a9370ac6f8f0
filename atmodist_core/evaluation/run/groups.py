"""Groups of statistics that an evaluation of one data set computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from atmodist_core.common.errors import UserError
from atmodist_core.evaluation.diagnostics.energy_ratio import HighWavenumberPower
from atmodist_core.evaluation.diagnostics.spectra import energy_spectrum
from atmodist_core.evaluation.ensembles.member_statistics import Calibration, MemberCityValues, ProperScores
from atmodist_core.evaluation.ensembles.structure_statistics import ErrorPower, JointExtremes, SampledValues
from atmodist_core.evaluation.ensembles.vortex_statistics import GradientMoments, Vortices
from atmodist_core.evaluation.geometry import area_weights
from atmodist_core.evaluation.run.data import EvaluationData
from atmodist_core.evaluation.statistics.city_values import CityValues
from atmodist_core.evaluation.statistics.histogram import ValueBins, ValueDistribution
from atmodist_core.evaluation.statistics.latitude_power import LatitudePower
from atmodist_core.evaluation.statistics.learned_distance import DistanceToTruth, LearnedDistance
from atmodist_core.evaluation.statistics.moment_maps import MomentMaps
from atmodist_core.evaluation.statistics.moments import AreaSums, Errors, Moments
from atmodist_core.evaluation.statistics.pattern import GridPattern, LinePower
from atmodist_core.evaluation.statistics.power import CosinePower, DegreePower
from atmodist_core.evaluation.statistics.semivariance import Semivariance
from atmodist_core.evaluation.statistics.similarity import Similarity
from atmodist_core.evaluation.statistics.spectral_band import SpectralBand, spectral_band
from atmodist_core.evaluation.statistics.statistic import Group, Statistic

AREA, CITIES, SERIES, MAPS = "area", "cities", "series", "maps"
DISTANCE, LATITUDES = "distance", "latitudes"
ENSEMBLE, STRUCTURE, VORTICES, MEMBER_CITIES = "ensemble", "structure", "vortices", "member-cities"


def groups_of(
    data: EvaluationData,
    cities: pd.DataFrame | None,
    distance: LearnedDistance | None = None,
    *,
    series: bool = False,
    maps: bool = False,
    latitude_edges: Sequence[float] = (),
    ensemble: bool = False,
) -> tuple[list[Group], list[str]]:
    """Return the groups, and sentences on those that a limited area has no room for.

    Cities, a distance network, SSIM and PSNR over time (``series``), maps of moments, and the power of the band in belts
    of latitude (edges in degrees) add a group each; verification as an ensemble adds four.
    """
    grid, factor = data.template, data.factor
    weights = area_weights(grid)
    sums = AreaSums(weights, factor)
    high = HighWavenumberPower(grid, factor)
    bins = [ValueBins.of_units(units) for units in data.units]
    power: list[Statistic] = [DegreePower(high)] if data.on_the_globe else [CosinePower(grid, high)]
    power.append(GridPattern(np.array(weights[:, 0]), factor, wraps=data.on_the_globe))
    if data.on_the_globe:
        power.append(LinePower(grid["latitude"].values))
    area = [*power, ValueDistribution(weights, bins), Semivariance(grid), Moments(sums), Errors(sums)]
    groups, notes = [Group(AREA, area)], []
    if data.window is not None:
        notes.append(
            f"The fields have gaps; evaluated is the largest rectangle without any, {grid.sizes['latitude']} x "
            f"{grid.sizes['longitude']} points."
        )
    makers: list[tuple[str, Callable[[], list[Statistic]]]] = []
    if cities is not None:
        makers.append((CITIES, lambda: [CityValues(grid, cities)]))
    if series:
        makers.append((SERIES, lambda: [Similarity(sums, grid["latitude"].values, grid.sizes["longitude"])]))
    if ensemble:
        makers.append((VORTICES, lambda: [GradientMoments(grid), Vortices(grid)]))
    for name, make in makers:
        try:
            groups.append(Group(name, make()))
        except UserError as error:
            if data.on_the_globe:
                raise
            notes.append(f"Without {name}: {error}")
    if distance is not None:
        groups.append(Group(DISTANCE, [DistanceToTruth(distance)], settings={"distance": distance.identity}))
    if maps:
        groups.append(Group(MAPS, [MomentMaps(sums, grid, data.units)], summed=True))
    if latitude_edges:
        band = band_of(data)
        settings = {"edges": [float(edge) for edge in latitude_edges], "band": [band.first, band.last]}
        belts = LatitudePower(grid, band.first, band.last, latitude_edges)
        groups.append(Group(LATITUDES, [belts], settings=settings))
    if ensemble:
        try:
            groups += _ensemble_groups(data, cities)
        except UserError as error:
            if data.on_the_globe:
                raise
            notes.append(f"Without {ENSEMBLE}: {error}")
    return groups, notes


def _ensemble_groups(data: EvaluationData, cities: pd.DataFrame | None) -> list[Group]:
    """Groups of ensemble verification, which single fields have as well, as ensembles of one."""
    grid = data.template
    band = band_of(data) if data.on_the_globe else None
    settings = {} if band is None else {"band": [band.first, band.last]}
    scores: list[Statistic] = [ProperScores(grid), Calibration(grid, band)]
    structure: list[Statistic] = [ErrorPower(grid), SampledValues(grid)]
    if {"vorticity", "divergence"} <= {*data.names}:
        structure.append(JointExtremes(grid))
    groups = [Group(ENSEMBLE, scores, settings=settings, of_members=True), Group(STRUCTURE, structure)]
    if cities is not None:
        groups.append(
            Group(MEMBER_CITIES, [MemberCityValues(grid, cities)], of_members=True, only_members=True)
        )
    return groups


def band_of(data: EvaluationData) -> SpectralBand:
    """Return the total wavenumbers that the coarse grid lacks and the data's first time has; globe only."""
    if not data.on_the_globe:
        raise UserError(
            "Expected the whole globe for power by latitude, found a limited area; leave --latitude-edges out."
        )
    first = energy_spectrum(data.template)
    spectrum = np.stack([np.ravel(first[name].values) for name in data.names])
    return spectral_band(data.template["latitude"].values, data.factor, spectrum, data.template.attrs)
