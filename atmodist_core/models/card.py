"""Model cards: what a model is, what it was trained on and what it can do, as JSON beside its weights."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atmodist_core.common.assets import asset_folder
from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.models.card_checks import check_card
from atmodist_core.networks.normalization import SignedLogNormalization

CARD_FILE = "card.json"
TENSOR_FILE = "model.safetensors"
MODELS_VARIABLE = "ATMODIST_MODELS"
"""Environment variable with further folders of models, separated as in PATH."""

KINDS = ("distance", "encoder", "downscaler", "flow", "autoencoder", "gap filler", "interpolation")

_LATER_KEYS = ("weights_sha256", "spacings_deg", "amplitude", "effective_truncation", "sharpness", "area")
"""Entries that cards of earlier versions lack."""

_LARGEST_CARD = 4 * 2**20
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".h5", ".npy"}


def _code_version() -> str:
    from atmodist_core import __version__

    return __version__


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Everything about a model except its weights.

    Attributes
    ----------
    name : str
        Letters, digits, dots, dashes and underscores; also the name of the model's folder.
    kind : str
        One of :data:`KINDS`; ``"encoder"`` is one of another pretext task, ``"flow"`` downscales, ``"gap filler"`` fills gaps,
        ``"interpolation"`` has no weights.
    architecture : dict
        Configurations by network, such as ``{"encoder": {...}, "classifier": {...}}`` or ``{"generator": {...}}``.
    channels : tuple of str
        The fields, in the order of the channel axis; empty for interpolation, which takes any.
    normalization : SignedLogNormalization or None
        Of the model's input and output; None for interpolation.
    grid_spacing_deg : float or None
        Spacing of the *fine* training grid [degrees]; a downscaler's input had ``factor`` times as much.
    factor : int
        Fine cells per coarse cell along each axis; 1 for a distance or an autoencoder.
    period, data, level : str
        What it was trained on: the times, the source, and the level as in the ``level`` attribute of its
        fields.
    loss, schedule : dict
        How it was trained.
    seed : int
        Of the training.
    code_version : str
        Version of this package that trained it.
    scores : dict
        Held-out scores, with units in the names of the entries.
    parameters : int
        Number of trainable parameters.
    created : str
        When it was saved (UTC, ISO 8601); also written into the weights, which ties the two files together.
    licence, limits : str
        Of the weights; where the model should not be trusted.
    distance_scale : dict
        Of an encoder: by layer, the factor that gives it the magnitude of a normalised mean squared error.
    notes : str
        Anything else.
    weights_sha256 : str
        SHA-256 of ``model.safetensors``, checked on loading; empty in cards of earlier versions.
    spacings_deg : tuple of float
        Of all fine training grids [degrees], ``grid_spacing_deg`` first; empty in cards of earlier versions.
    amplitude : dict
        Of a downscaler whose scale follows the data: by channel, the amplitude to which coarse fields are brought
        (:func:`~atmodist_core.fields.amplitude.coarse_amplitude`, in the unit of the field); otherwise empty.
    effective_truncation : float or None
        Of the training data; see :func:`atmodist_core.effective_truncation`.
    sharpness : dict
        Of the fine training data: by channel, two numbers as of :func:`atmodist_core.sharpness`, the mean over its
        members; what a model that takes them as conditions is given where coarse fields state none. Empty where it is not known.
    area : tuple of float
        South, north, west, east of the training data [degrees]; empty for the globe, and where it is not known.
    fit : str
        How well it fits a dataset, where :func:`atmodist_core.models_for` returned the card; not stored.
    """

    name: str
    kind: str
    architecture: dict[str, Any]
    channels: tuple[str, ...]
    normalization: SignedLogNormalization | None
    grid_spacing_deg: float | None
    factor: int = 1
    period: str = ""
    data: str = ""
    level: str = ""
    loss: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    code_version: str = field(default_factory=_code_version)
    scores: dict[str, Any] = field(default_factory=dict)
    parameters: int = 0
    created: str = field(default_factory=_now)
    licence: str = "BSD-3-Clause"
    limits: str = ""
    distance_scale: dict[str, float] = field(default_factory=dict)
    notes: str = ""
    weights_sha256: str = ""
    spacings_deg: tuple[float, ...] = ()
    amplitude: dict[str, float] = field(default_factory=dict)
    effective_truncation: float | None = None
    sharpness: dict[str, tuple[float, ...]] = field(default_factory=dict)
    area: tuple[float, ...] = ()
    fit: str = ""

    def __post_init__(self) -> None:
        for name in ("channels", "spacings_deg", "area"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        check_card(self, KINDS)
        pairs = {name: tuple(map(float, pair)) for name, pair in self.sharpness.items()}
        object.__setattr__(self, "sharpness", pairs)

    @property
    def downscales(self) -> bool:
        """Whether it makes fine fields of coarse ones with a network."""
        return self.kind in ("downscaler", "flow")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        values = {name: getattr(self, name) for name in _stored()}
        values |= {name: list(values[name]) for name in ("channels", "spacings_deg", "area")}
        values["sharpness"] = {name: list(pair) for name, pair in self.sharpness.items()}
        values["normalization"] = None if self.normalization is None else self.normalization.to_dict()
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelCard:
        """Build a card from plain values; a UserError names the first unknown, missing or wrong key."""
        if not isinstance(values, Mapping):
            raise UserError(f"Expected a model card to be a JSON object, found {type(values).__name__}.")
        keys = _stored()
        for what, wrong in (
            ("the unknown key", [key for key in values if key not in keys]),
            ("no key", [key for key in keys if key not in values and key not in _LATER_KEYS]),
        ):
            if wrong:
                raise UserError(
                    f"Expected in a model card exactly the keys {', '.join(keys)}, found {what} "
                    f"{wrong[0]!r}: correct the card or save the model again."
                )
        converted = dict(values)
        for key in ("channels", "spacings_deg", "area"):
            if not isinstance(values.get(key, ()), list | tuple):
                raise UserError(
                    f"Expected {key!r} of a model card to be a list, found {values[key]!r}: correct the card."
                )
        if values["normalization"] is not None:
            converted["normalization"] = SignedLogNormalization.from_dict(values["normalization"])
        return cls(**converted)

    def to_json(self) -> str:
        """Return the text of ``card.json``; an entry that JSON cannot hold, such as NaN, is a UserError."""
        try:
            return json.dumps(self.to_dict(), indent=2, allow_nan=False, default=_plain) + "\n"
        except (TypeError, ValueError) as error:
            raise UserError(
                f"Expected plain finite values in the model card {self.name!r}, found one that JSON cannot "
                f"hold ({error}): convert or drop it."
            ) from error


def _plain(value: Any) -> Any:
    """Turn NumPy numbers, which scores often are, into Python ones."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


def _stored() -> list[str]:
    """Keys of a card on disk."""
    return [entry.name for entry in dataclasses.fields(ModelCard) if entry.name != "fit"]


def read_card(folder: str | Path) -> ModelCard:
    """Read the card of a model's folder; one that is absent or damaged is a UserError."""
    path = Path(folder) / CARD_FILE
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size > _LARGEST_CARD):
            raise ValueError(f"it is no file of at most {_LARGEST_CARD // 2**20} MiB")
        values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except FileNotFoundError:
        raise UserError(
            f"Expected a model folder with {CARD_FILE} and {TENSOR_FILE}, found no {CARD_FILE} in {folder}: "
            "give the folder that training wrote."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"Expected {path} to be a readable JSON file, found an error ({error}): restore it or save the "
            "model again."
        ) from error
    try:
        return ModelCard.from_dict(values)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise UserError(
            f"Expected the entries of a model card in {path}, found one of another form ({error}): correct the"
            " card."
        ) from error


def _no_constant(name: str) -> float:
    raise ValueError(f"the number {name}, which JSON does not have")


_SERVES = {
    "distance": "load it with load_distance",
    "encoder": "it serves train/gan.py and train/ensemble.py as --distance",
    "downscaler": "load it with load_downscaler",
    "flow": "load it with load_downscaler",
    "autoencoder": "its encoder serves train/gan.py as --content autoencoder",
    "gap filler": "load it with load_gap_filler",
    "interpolation": "load it with load_downscaler",
}


def read_card_of(kind: str, folder: str | Path) -> ModelCard:
    """Read the card of a model that has to be of one kind; as :func:`read_card`."""
    card = read_card(folder)
    if card.kind != kind and not (kind == "downscaler" and card.downscales):
        raise UserError(
            f"Expected a model of kind '{kind}', found {card.name!r} of kind '{card.kind}': {_SERVES[card.kind]}, or choose a model whose card says '{kind}'."
        )
    return card


def model_folders() -> list[Path]:
    """Return the folders where models are looked for: those of $ATMODIST_MODELS, then the shipped ones."""
    listed = os.environ.get(MODELS_VARIABLE, "").split(os.pathsep)
    folders = [Path(entry).expanduser() for entry in listed if entry.strip()]
    # An installed package may come without its assets; a folder that the user named is missed aloud.
    with contextlib.suppress(UserError):
        folders.append(asset_folder("models"))
    return folders


def _found_models(
    folders: Iterable[str | Path] | None,
) -> tuple[dict[str, tuple[Path, ModelCard]], list[str]]:
    """Return models by name, and a sentence for everything that was skipped."""
    found: dict[str, tuple[Path, ModelCard]] = {}
    problems: list[str] = []
    for base in map(Path, model_folders() if folders is None else folders):
        if not base.is_dir():
            problems.append(f"The folder of models {base} does not exist, so it was skipped.")
            continue
        try:
            inside = sorted(base.iterdir())
        except OSError as error:
            problems.append(
                f"The folder of models {base} cannot be read ({error.strerror}), so it was skipped."
            )
            continue
        for folder in (path for path in inside if path.is_dir() and not path.name.startswith(".")):
            try:
                card = read_card(folder)
            except UserError as error:
                problems.append(f"The model folder {folder} was skipped: {error}")
                continue
            if not (folder / TENSOR_FILE).is_file():
                problems.append(f"The model folder {folder} was skipped: it holds no {TENSOR_FILE}.")
            elif card.name in found:
                problems.append(
                    f"The model {card.name!r} in {folder} was skipped: {found[card.name][0]} has that name "
                    "already."
                )
            else:
                found[card.name] = (folder, card)
    return found, problems


def list_models(
    folders: Iterable[str | Path] | None = None, *, problems: list[str] | None = None
) -> list[ModelCard]:
    """Return the cards of all installed models, sorted by name.

    Parameters
    ----------
    folders : iterable of path, optional
        Where to look; default: the folders of $ATMODIST_MODELS, then the shipped models. The first model of
        a name counts.
    problems : list of str, optional
        Receives one sentence for each folder that had to be skipped. Without it each sentence is an
        :class:`~atmodist_core.common.errors.AtmodistWarning`.
    """
    found, sentences = _found_models(folders)
    if problems is not None:
        problems.extend(sentences)
    else:
        for sentence in sentences:
            warnings.warn(sentence, AtmodistWarning, stacklevel=2)
    return [found[name][1] for name in sorted(found)]


def installed_models(problems: list[str]) -> dict[str, tuple[Path, ModelCard]]:
    """Return folder and card of every model by name; ``problems`` receives a sentence per skipped folder."""
    found, sentences = _found_models(None)
    problems.extend(sentences)
    return {name: found[name] for name in sorted(found)}


def find_model(name_or_path: str | Path) -> Path:
    """Return the folder of a model.

    Parameters
    ----------
    name_or_path : str or path
        A name of :func:`list_models`, a model's folder, or its safetensors file.

    Raises
    ------
    UserError
        When there is no such model, or the path is a file that could run code when opened.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix.lower() in _PICKLES:
        raise UserError(
            f"Expected a model folder with {TENSOR_FILE} and {CARD_FILE}, found the name of a {path.suffix} "
            f"file ({path.name}): such files can run code when opened, so save the weights as safetensors."
        )
    found, problems = _found_models(None)
    if str(name_or_path) in found:
        return found[str(name_or_path)][0]
    if path.is_dir():
        return path
    if path.is_file() and path.name == TENSOR_FILE:
        return path.parent
    skipped = f" ({'; '.join(problems)})" if problems else ""
    raise UserError(
        f"Expected the name of a model ({', '.join(sorted(found)) or 'none is installed'}) or the folder of "
        "one, found "
        f"{str(name_or_path)!r}{skipped}: choose one of these or set {MODELS_VARIABLE} to the folder that "
        "holds it."
    )
