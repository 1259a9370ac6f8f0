"""The confusion matrix of held-out pairs as a CSV file."""

import csv
from pathlib import Path

from torch import Tensor

from atmodist_core.training.data.held_out import confusion_matrix

CONFUSION_NAME = "confusion_matrix.csv"
CONFUSION_FOLDER = "confusion_matrices"


def write_confusion(folder: Path, logits: Tensor, labels: Tensor, epoch: int | None = None) -> Path:
    """Write counts of predicted (columns) against true classes (rows) as CSV.

    With an epoch (from 0) the file is ``confusion_matrices/epoch_001.csv`` and so on, else
    ``confusion_matrix.csv``.
    """
    path = folder / CONFUSION_NAME
    if epoch is not None:
        path = folder / CONFUSION_FOLDER / f"epoch_{epoch + 1:03d}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(confusion_matrix(logits, labels).tolist())
    return path
