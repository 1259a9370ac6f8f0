"""Adaptation from a dataset to models, scores, a report and a verdict, within a time."""

import dataclasses
import json
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from atmodist_core.common.atomic_write import replacing
from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.common.evenly_spaced import evenly_spaced
from atmodist_core.common.folder_lock import exclusive_folder
from atmodist_core.common.hardware import choose_hardware
from atmodist_core.fields import coarsen
from atmodist_core.inference.downscaler import load_downscaler
from atmodist_core.models.fit import DataTraits, fit_of
from atmodist_core.models.store import load_network, save_downscaler
from atmodist_core.networks import Generator
from atmodist_core.training.adaptation.adaptation_data import (
    Split,
    open_for_adaptation,
    split_times,
    training_data,
)
from atmodist_core.training.adaptation.adaptation_report import write_adaptation_report
from atmodist_core.training.adaptation.adaptation_scores import ScoredModels, score_models
from atmodist_core.training.adaptation.fine_tuning import FineTuning, fine_tune, read_json
from atmodist_core.training.adaptation.starts import (
    SUFFIXES,
    Start,
    choose_starts,
    patch_size,
    shares,
    training_settings,
)
from atmodist_core.training.adaptation.validation_scores import Generate, as_shipped
from atmodist_core.training.adaptation.verdict import Verdict, verdict_of
from atmodist_core.training.configuration import EnsembleConfig
from atmodist_core.training.ensemble.ensemble_trainer import EnsembleTrainer
from atmodist_core.training.gan.downscaling_trainer import DownscalingTrainer
from atmodist_core.training.gan.gan_start import generator_config, load_start
from atmodist_core.training.gan.gan_trainer import GanTrainer
from atmodist_core.training.records.provenance import code_version
from atmodist_core.training.settings.adaptation_configuration import AdaptationConfig, check_adaptation_config

_PLAN = "adaptation.json"
_SCORING_SHARE, _REPORT_SECONDS = 0.2, 15.0
_LEAST_SCORED, _MOST_SCORED = 8, 48
_SETTINGS = ("data", "factor", "models", "level", "scored_fraction", "seed")
"""What --resume must find as it was."""


@dataclass(frozen=True)
class Adaptation:
    """What an adaptation made: verdicts by name of the model, the models' folder, and the report."""

    verdicts: dict[str, Verdict]
    models: Path
    report: Path


class _Clock:
    """Seconds of all runs of an adaptation together, kept in its folder."""

    def __init__(self, config: AdaptationConfig) -> None:
        self._path = config.out / "work" / _PLAN
        self._began = time.monotonic()
        self.total = 60.0 * config.minutes
        self.plan: dict[str, Any] = {}
        settings = json.loads(json.dumps({name: getattr(config, name) for name in _SETTINGS}))
        if self._path.is_file():
            if not config.resume:
                raise UserError(
                    f"Expected an unused folder for a new adaptation, found another in {config.out}; add --resume to"
                    " continue or choose another --out."
                )
            self.plan = read_json(self._path)
            changed = [name for name in _SETTINGS if self.plan["settings"][name] != settings[name]]
            if changed:
                raise UserError(
                    f"Expected the settings of the adaptation in {config.out} for --resume, found another"
                    f" --{changed[0].replace('_', '-')}; use the same one or another --out."
                )
        elif config.resume:
            raise UserError(
                f"Expected an adaptation to resume in {config.out}, found none there; check --out."
            )
        self._earlier = float(self.plan.get("seconds", 0.0))
        self.plan |= {"settings": settings}
        self.save()

    @property
    def spent(self) -> float:
        """Seconds of this run and earlier ones."""
        return self._earlier + time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.total - self.spent

    def save(self) -> None:
        """Write the plan with the seconds spent."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.plan["seconds"] = self.spent
        with replacing(self._path) as scratch:
            scratch.write_text(json.dumps(self.plan, indent=1) + "\n", encoding="utf-8")


def adapt(
    config: AdaptationConfig,
    *,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
    command: str = "atmodist adapt",
) -> Adaptation | None:
    """Adapt the best-fitting models to a dataset, score them on its last part, and say whether that helped.

    ``<out>/models/<name>`` are the models, ``report.html`` and ``scores.json`` the result, ``work`` everything that --resume
    needs. The weights are chosen on a validation part before the scored part; those of the start are among the candidates.

    Parameters
    ----------
    config : AdaptationConfig
    stop, say : callable
        Asked from time to time whether to stop; told in sentences what is going on.
    command : str
        For the report.

    Returns
    -------
    Adaptation or None
        None if it was stopped; it can be resumed.

    Raises
    ------
    UserError
        A setting or the data do not fit, or there is too little data.
    """
    check_adaptation_config(config)
    with exclusive_folder(config.out):
        clock = _Clock(config)
        try:
            return _adapt(config, clock, stop, say, command)
        finally:
            clock.save()


def _adapt(
    config: AdaptationConfig,
    clock: _Clock,
    stop: Callable[[], bool],
    say: Callable[[str], None],
    command: str,
) -> Adaptation | None:
    hardware = choose_hardware(config.device, threads=config.threads)
    dataset, traits = open_for_adaptation(config)
    split = split_times(dataset["time"].values, config.scored_fraction)
    first = clock.plan.get("training_seconds")
    if first is None:
        starts = choose_starts(config, traits, (1 - _SCORING_SHARE) * clock.left - _REPORT_SECONDS)
        # Their names would not find models of other folders.
        clock.plan["starts"] = [start.place for start in starts]
    else:
        named = dataclasses.replace(config, models=tuple(clock.plan["starts"]))
        starts = choose_starts(named, traits, np.inf)
    names = _names(config, starts)
    for start in starts:
        say(f"Starting from {start.card.name}. {_fit(start, traits)}")
    count, of_scoring = _scored_times(dataset, split, starts, clock, stop)
    training_seconds = max(clock.left - of_scoring - _REPORT_SECONDS, 0.0) + float(
        clock.plan.get("trained", 0.0)
    )
    clock.plan["training_seconds"] = training_seconds
    clock.save()
    size = patch_size(dataset.sizes["latitude"], dataset.sizes["longitude"])
    end = traits.truncation or 1.0
    courses: dict[str, FineTuning] = {}
    for start, name, share in zip(starts, names, shares(starts), strict=True):
        work = config.out / "work" / name
        settings = training_settings(start, config, traits, work, size)
        began = time.monotonic()
        before = load_start(settings, generator_config(settings))
        kind = EnsembleTrainer if isinstance(settings, EnsembleConfig) else GanTrainer
        data = training_data(dataset, split, start.card)
        trainer: DownscalingTrainer = kind(settings, data, hardware, before)  # type: ignore[arg-type]
        seconds = training_seconds * share - (time.monotonic() - began)
        try:
            shipped = _shipped(start, trainer)
            course = fine_tune(
                trainer, start.role, seconds, work, end=end, shipped=shipped, stop=stop, say=say
            )
        finally:
            trainer.close()
        clock.plan["trained"] = float(clock.plan.get("trained", 0.0)) + time.monotonic() - began
        clock.save()
        if course is None:
            return None
        courses[name] = course
        _save_model(config, start, name, trainer, course, dataset, traits)
    say("Scoring on the last part of the data.")
    places: dict[str, Path | str] = {"bicubic": "bicubic"}
    places |= {start.card.name: start.place for start in starts}
    places |= {name: config.out / "models" / name for name in names}
    chosen = split.scored[evenly_spaced(len(split.scored), count)]
    part = dataset.isel(time=chosen)
    scored = score_models(
        part, places, config.out / "work" / "scores", factor=config.factor, end=end, stop=stop
    )
    if scored is None:
        return None
    verdicts = {
        name: verdict_of(start.role, scored, name, start.card.name)
        for start, name in zip(starts, names, strict=True)
    }
    facts = _facts(config, dataset, split, starts, names, courses, traits, hardware.describe())
    _write_scores(config.out / "scores.json", verdicts, scored, facts)
    shown = part.isel(time=[len(chosen) // 2]).load()
    coarse = coarsen(shown, config.factor)
    maps = {"truth": shown, "coarse": coarse}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AtmodistWarning)
        maps |= {
            label: load_downscaler(place)(coarse) for label, place in places.items() if label != "bicubic"
        }
    sentences = {name: verdict.sentence for name, verdict in verdicts.items()}
    write_adaptation_report(
        config.out / "report.html", sentences, scored, maps, facts, command, config.factor
    )
    return Adaptation(verdicts, config.out / "models", config.out / "report.html")


def _names(config: AdaptationConfig, starts: list[Start]) -> list[str]:
    """Names of the adapted models: of the folder, the factor and the kind; of the start where a kind comes twice."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", config.out.resolve().name).strip("-._") or "adapted"
    roles = [start.role for start in starts]
    return [
        f"{base}-{config.factor}x-{SUFFIXES[start.role]}"
        if roles.count(start.role) == 1
        else f"{base}-{start.card.name}"
        for start in starts
    ]


def _fit(start: Start, traits: DataTraits) -> str:
    return start.card.fit or fit_of(start.card, traits)[1]


def _scored_times(
    dataset: xr.Dataset, split: Split, starts: list[Start], clock: _Clock, stop: Callable[[], bool]
) -> tuple[int, float]:
    """Number of scored times that a fifth of the time allows, and the seconds that scoring them takes: one is tried."""
    if "scored_times" not in clock.plan:
        one = dataset.isel(time=[int(split.scored[0])]).load()
        coarse = coarsen(one, starts[0].card.factor)
        each = 0.0
        for start in starts:
            model = load_downscaler(start.place)
            began = time.monotonic()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", AtmodistWarning)
                model(coarse)
            # The start and the adapted model; of ensembles one field and four members of both.
            each += (time.monotonic() - began) * (10 if start.role == "ensemble" else 2)
        each = 1.2 * each + 0.15
        allowed = int(_SCORING_SHARE * clock.total / each)
        count = min(len(split.scored), max(_LEAST_SCORED, min(allowed, _MOST_SCORED)))
        # On a busy machine one trial may take long: half of the time is for training whatever it says.
        seconds = min(count * each, 0.35 * clock.total)
        clock.plan |= {"scored_times": count, "scoring_seconds": seconds}
    return int(clock.plan["scored_times"]), float(clock.plan["scoring_seconds"])


def _shipped(start: Start, trainer: DownscalingTrainer) -> Generate | None:
    """What makes patches with the start as it is; None where the trainer's first weights do so."""
    _, network = load_network(start.place)
    normalization = start.card.normalization
    assert isinstance(network, Generator)
    assert normalization is not None  # a downscaler has one
    if network.config == trainer.output.config and normalization == trainer.data.normalization:
        return None
    return as_shipped(trainer, network.to(trainer.fabric.device), normalization)


def _save_model(
    config: AdaptationConfig,
    start: Start,
    name: str,
    trainer: DownscalingTrainer,
    course: FineTuning,
    dataset: xr.Dataset,
    traits: DataTraits,
) -> None:
    """Write the model folder; its card is that of the start with what changed."""
    settings, times = trainer.config, np.datetime_as_string(dataset["time"].values, unit="h")
    source = str(dataset.attrs.get("source", "")) or "unknown source"
    files = ", ".join(Path(one).name for one in config.data)
    assert course.best is not None  # it was validated
    generator, normalization = trainer.evaluated_generator, trainer.data.normalization
    if course.kept_start:
        kept = load_network(start.place)[1]
        assert isinstance(kept, Generator)
        assert start.card.normalization is not None
        generator, normalization = kept, start.card.normalization
    card = dataclasses.replace(
        start.card,
        name=name,
        normalization=normalization,
        grid_spacing_deg=traits.spacing_deg,
        spacings_deg=(traits.spacing_deg,),
        period=f"{times[0]} to {times[-1]}",
        data=f"{source}; {files}; the last {config.scored_fraction:.0%} not seen",
        level=traits.level,
        loss={
            **start.card.loss,
            "spectrum_weight": settings.spectrum_weight,
            "pattern_weight": settings.pattern_weight,
        },
        schedule={
            "start_model": start.card.name,
            "start_model_created": start.card.created,
            "steps": course.step,
            "best_step": course.best_step,
            "seconds": round(course.spent, 1),
            "batch_size": settings.batch_size,
            "patch_size": settings.data.patch_size,
            "learning_rate": settings.learning_rate,
        },
        scores={
            f"validation_{key}": value
            for key, value in dataclasses.asdict(course.best).items()
            if value == value
        },
        code_version=code_version(),
        created=datetime.now(UTC).isoformat(timespec="microseconds"),
        limits=f"Adapted to {files}: other regions, seasons, levels and spacings are extrapolation.",
        notes=f"{start.card.name}, adapted to {files} in {course.spent / 60:.1f} minutes of training.",
        effective_truncation=traits.truncation,
        area=traits.area,
        **trainer.about_fields(),
        fit="",
    )
    save_downscaler(config.out / "models" / name, generator, card)


def _facts(
    config: AdaptationConfig,
    dataset: xr.Dataset,
    split: Split,
    starts: list[Start],
    names: list[str],
    courses: dict[str, FineTuning],
    traits: DataTraits,
    hardware: str,
) -> list[str]:
    """Sentences on data and training for the report."""
    files = ", ".join(Path(one).name for one in config.data)
    times = np.datetime_as_string(dataset["time"].values, unit="h")
    share = "unknown" if traits.truncation is None else f"{traits.truncation:.2f} of the Nyquist wavenumber"
    facts = [
        f"{files}, {traits.level or 'level not stated'}, {dataset.sizes['latitude']} x {dataset.sizes['longitude']} points,"
        f" {times[0]} to {times[-1]} UTC.",
        f"Grid spacing {traits.spacing_deg:.3g} degrees; effective truncation {share}. {len(split.training)} times for"
        f" training, {len(split.validation)} to choose the weights, the last {len(split.scored)} for scores, with gaps of"
        f" {split.gap_hours:.0f} h between them. {hardware}.",
    ]
    for start, name in zip(starts, names, strict=True):
        course = courses[name]
        kept = "none better than the start" if not course.best_step else f"the best after {course.best_step}"
        facts.append(
            f"{name} started from {start.card.name}: {course.step} steps in {course.spent:.0f} s, {kept}. {_fit(start, traits)}"
        )
    return facts


def _write_scores(path: Path, verdicts: dict[str, Verdict], scored: ScoredModels, facts: list[str]) -> None:
    values = {
        "verdicts": {name: dataclasses.asdict(verdict) for name, verdict in verdicts.items()},
        "fields": scored.fields,
        "units": scored.units,
        "scored_times": scored.times,
        "scores": scored.all,
        "facts": facts,
    }
    with replacing(path) as scratch:
        scratch.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
