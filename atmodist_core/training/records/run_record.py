"""Read the settings, curves and scores of a run, finished or not."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atmodist_core.common.errors import UserError
from atmodist_core.models.card import CARD_FILE, read_card
from atmodist_core.training import configuration
from atmodist_core.training.records.logs import CURVES_NAME
from atmodist_core.training.records.run_folder import ENVIRONMENT_NAME

_CONFIG_NAME, _SCORES_NAME = "config.json", "scores.json"
_KINDS = {
    **{"DistanceConfig": "distance", "AutoencoderConfig": "autoencoder", "GapConfig": "gap filler"},
    **dict.fromkeys(("GanConfig", "EnsembleConfig", "FlowMatchingConfig"), "downscaler"),
}
_WITHOUT_EFFECT = configuration.RESUMABLE_CHANGES - {"final_pairs", "matching_pairs"}


@dataclass(frozen=True)
class RunRecord:
    """A finished or unfinished run."""

    name: str  # of the run or the model
    kind: str  # distance, autoencoder, gap filler or downscaler
    settings: Mapping[str, Any]  # that may have changed the result, by flag
    curves: Mapping[str, NDArray[np.float64]]  # columns of curves.csv, NaN where empty; seconds [s]
    scores: Mapping[str, float]  # held-out: final, of an unfinished run latest
    finished: bool
    samples_per_step: int | None = None  # None when not recorded
    computed_on: str = ""  # processor and precision; empty when not recorded

    @property
    def steps(self) -> int:
        """Steps done."""
        return int(self.curves["step"][-1]) if len(self.curves["step"]) else 0

    @property
    def seconds(self) -> float | None:
        """Wall-clock time of the steps [s]; None when not recorded."""
        seconds = self.curves.get("seconds", np.empty(0))
        seconds = seconds[np.isfinite(seconds)]
        return float(seconds[-1]) if len(seconds) else None

    @property
    def held_out_names(self) -> list[str]:
        """Columns of held-out scores that hold a number."""
        return [
            name
            for name, values in self.curves.items()
            if name.startswith("held_out_") and np.isfinite(values).any()
        ]


def read_run(folder: Path) -> RunRecord:
    """Read the folder of a run (``config.json``) or of a model (``card.json``), both with ``curves.csv``."""
    if (folder / _CONFIG_NAME).is_file():
        return _from_run_folder(folder)
    if (folder / CARD_FILE).is_file():
        return _from_model_folder(folder)
    raise UserError(
        f"Expected the folder of a run ({_CONFIG_NAME}) or of a model ({CARD_FILE}), found neither in {folder};"
        " give a folder that a training wrote."
    )


def _from_run_folder(folder: Path) -> RunRecord:
    values = _json(folder / _CONFIG_NAME)
    kind = str(values.pop("kind", ""))
    if kind not in _KINDS:
        raise UserError(
            f"Expected the settings of {', '.join(_KINDS)} in {folder / _CONFIG_NAME}, found {kind or 'none'}."
        )
    # Through the dataclass: a setting that came after the run began had its default then.
    config = configuration.from_dict(getattr(configuration, kind), values)
    settings = _flat(configuration.to_dict(config))
    curves = read_curves(folder / CURVES_NAME)
    finished = (folder / _SCORES_NAME).is_file()
    scores = _json(folder / _SCORES_NAME) if finished else _latest(curves)
    return RunRecord(
        name=folder.resolve().name,
        kind=_KINDS[kind],
        settings=settings,
        curves=curves,
        scores=_held_out(scores),
        finished=finished,
        samples_per_step=settings.get("batch_size"),
        computed_on=_computed_on(folder / ENVIRONMENT_NAME),
    )


def _from_model_folder(folder: Path) -> RunRecord:
    card = read_card(folder)
    settings = {**card.loss, **card.schedule, "seed": card.seed, "data": card.data, "period": card.period}
    batch = settings.get("batch_size")
    return RunRecord(
        name=card.name,
        kind="downscaler" if card.downscales else card.kind,
        settings={k: v for k, v in settings.items() if k not in _WITHOUT_EFFECT | {"hardware"}},
        curves=read_curves(folder / CURVES_NAME),
        scores=_held_out(card.scores),
        finished=True,
        samples_per_step=batch if isinstance(batch, int) else None,
        computed_on=str(card.schedule.get("hardware", "")),
    )


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without nesting and without what cannot change a result; of paths the last part."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value)
        elif name in ("data", "validation"):
            flat[name] = [Path(entry).name for entry in value]
        elif name in ("start_from", "distance", "autoencoder") and isinstance(value, str):
            flat[name] = Path(value).name
        elif name not in _WITHOUT_EFFECT:
            flat[name] = value
    return flat


def _json(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(
            f"Expected a JSON file that can be read at {path}, found a broken one; restore it."
        ) from error
    return values


def _computed_on(path: Path) -> str:
    if not path.is_file():
        return ""
    starts = _json(path)["starts"]
    found = dict.fromkeys(f"{start['processor']}, {start['precision']}" for start in starts)
    return "; then ".join(found)


def read_curves(path: Path) -> dict[str, NDArray[np.float64]]:
    """Columns of a ``curves.csv``, NaN where a cell is empty; a line cut short by a kill is left out."""
    if not path.is_file():
        raise UserError(
            f"Expected {path.name} beside the settings, found none in {path.parent}; has the run begun?"
        )
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names: Sequence[str] = reader.fieldnames or ()
        rows = [row for row in reader if None not in row.values()]
    if "step" not in names:
        raise UserError(
            f"Expected a column 'step' in {path}, found {', '.join(names) or 'nothing'}; restore it."
        )
    return {name: np.array([_number(row[name]) for row in rows], dtype=np.float64) for name in names}


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _latest(curves: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    latest = {}
    for name, values in curves.items():
        finite = values[np.isfinite(values)]
        if name.startswith("held_out_") and len(finite):
            latest[name] = float(finite[-1])
    return latest


def _held_out(scores: Mapping[str, Any]) -> dict[str, float]:
    """Scores of the model itself, not of what it is compared with."""
    return {
        name.removeprefix("held_out_"): float(value)
        for name, value in scores.items()
        if name.startswith("held_out_")
        and not name.startswith("held_out_bicubic_")
        and isinstance(value, (int, float))
    }
