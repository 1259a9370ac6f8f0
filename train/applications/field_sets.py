"""Train a distance network on each of several sets of fields with one budget, and compare how well they predict lags.

python train/applications/field_sets.py --data DIR --sets dynamics=vorticity@850,divergence@850 tracers=temperature@850,specific_humidity@850
    together=vorticity@850,divergence@850,temperature@850,specific_humidity@850 [--seeds 0 1] [--out runs/field-sets]

The same command continues trainings that were interrupted. The table is written to <out>/field_sets.md.
"""

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # to run from a clone without installing

from atmodist_core.common.errors import UserError
from train import _cli

if TYPE_CHECKING:
    from atmodist_core.models.card import ModelCard
    from atmodist_core.training.configuration import DistanceConfig


@dataclasses.dataclass(frozen=True)
class FieldSetsConfig:
    """Sets of fields, their data, and the budget that each has."""

    data: tuple[Path, ...] = ()
    """Fields that open_fields reads; each is one member. The last part of every member is held out."""
    sets: tuple[str, ...] = ()
    """Sets as name=field,field,... such as dynamics=vorticity@850,divergence@850."""
    seeds: tuple[int, ...] = (0,)
    """Seeds; each set is trained once with every one."""
    classes: int = 4
    """Number of lags to tell apart."""
    lag_step_hours: int = 6
    """Time between two neighbouring lags [h]."""
    patch_size: int = 32
    """Side of the patches [grid points]."""
    batches: int = 300
    """Steps of each training."""
    batch_size: int = 32
    """Half the patches encoded in a step."""
    learning_rate: float = 0.002
    """Highest learning rate, of AdamW."""
    validation_fraction: float = 0.25
    """Share of every member held out at its end."""
    gap_hours: float = 24.0
    """Hours between the training and the held-out part."""
    pairs: int = 4096
    """Held-out pairs that the accuracy is measured on."""
    out: Path = Path("runs/field-sets")
    """Folder of the trainings and of the table."""
    threads: int = 0
    """CPU threads; 0 leaves the choice to PyTorch."""
    progress: bool = True
    """Show a progress bar."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    config = _cli.parse(
        FieldSetsConfig, {"default": FieldSetsConfig()}, arguments, "python train/applications/field_sets.py"
    )
    sets = parsed_sets(config.sets)
    if not config.seeds or config.batches < 1:
        raise UserError("Expected at least one of --seeds and --batches above 0, found none.")
    from atmodist_core.models.card import read_card
    from atmodist_core.training.distance.distance_training import train_distance

    rows: dict[str, list[ModelCard]] = {}
    for seed in config.seeds:
        for name, channels in sets.items():
            folder = config.out / f"{name}-{seed}"
            done = (folder / "model" / "card.json").is_file()
            if not done and train_distance(settings(config, folder, channels, seed)) is None:
                return _cli.EXIT_INTERRUPTED
            rows.setdefault(name, []).append(read_card(folder / "model"))
    table = table_of(rows)
    command = shlex.join(["python", "train/applications/field_sets.py", *arguments])
    (config.out / "field_sets.md").write_text(f"`{command}`\n\n{table}\n", encoding="utf-8")
    print(table)
    return _cli.EXIT_OK


def parsed_sets(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Sets of channels by name; a UserError for one without a name or fields, or a name that comes twice."""
    from atmodist_core.fields.canonical.channels import channel_names

    sets: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, fields = text.partition("=")
        if not name.strip() or not fields.strip() or name in sets:
            raise UserError(
                f"Expected sets such as dynamics=vorticity@850,divergence@850, each name once, found {text!r}."
            )
        sets[name] = channel_names([field for field in fields.split(",") if field.strip()])
    if not sets:
        raise UserError(
            "Expected at least one set after --sets, such as dynamics=vorticity,divergence, found none."
        )
    return sets


def settings(config: FieldSetsConfig, folder: Path, channels: tuple[str, ...], seed: int) -> "DistanceConfig":
    """Settings of one training: all pairs of a window of lags at each place, so that few steps see many pairs."""
    from atmodist_core.training.configuration import DataConfig, DistanceConfig, RunConfig
    from atmodist_core.training.loop.checkpoints import has_checkpoint

    return DistanceConfig(
        preset="field-sets",
        data=DataConfig(
            data=config.data,
            channels=channels,
            patch_size=config.patch_size,
            validation_fraction=config.validation_fraction,
            gap_hours=config.gap_hours,
            mirror=True,
        ),
        run=RunConfig(
            out=folder,
            resume=has_checkpoint(folder),
            seed=seed,
            precision="float32",
            threads=config.threads,
            sample_epochs=0,
            progress=config.progress,
        ),
        classes=config.classes,
        lag_step_hours=config.lag_step_hours,
        batch_size=config.batch_size,
        times_per_place=config.classes + 1,
        epochs=1,
        batches_per_epoch=config.batches,
        optimizer="adamw",
        learning_rate=config.learning_rate,
        validation_pairs=min(config.pairs, 512),
        final_pairs=config.pairs,
        matching_pairs=8,
    )


def table_of(rows: "dict[str, list[ModelCard]]") -> str:
    """Markdown: accuracy of every set on the held-out part, its mean and range over the seeds, beside chance."""
    lines = [
        "| set | fields | lag accuracy [%] | range over seeds | over chance | median lag error [h] | from RMS differences [%] |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, cards in rows.items():
        scores = [card.scores for card in cards]
        accuracy = [100.0 * score["held_out_accuracy"] for score in scores]
        mean = sum(accuracy) / len(accuracy)
        chance = 100.0 * scores[0]["chance_accuracy"]
        error = sum(score["held_out_median_lag_error_hours"] for score in scores) / len(scores)
        simple = sum(100.0 * score["rms_accuracy"] for score in scores) / len(scores)
        spread = f"{min(accuracy):.1f} to {max(accuracy):.1f}" if len(accuracy) > 1 else "one seed"
        lines.append(
            f"| {name} | {', '.join(cards[0].channels)} | {mean:.1f} | {spread} | {mean / chance:.2f} | {error:.1f} | {simple:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    _cli.run(main)
