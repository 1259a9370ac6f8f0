"""Adapt the models that fit best to a few days of your data, and say whether that helped.

python train/adapt.py --data FILE [FILE ...] --minutes 20 --out DIR [--factor 4] [--models NAME ...] [--resume]

The last part of the data is never trained on: models are scored there before and after. DIR/models holds the models, for
"atmodist app --models DIR/models" and ATMODIST_MODELS; DIR/report.html has verdict, scores, spectra and maps.
"""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to run from a clone without installing

from train import _cli


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from atmodist_core.training.settings.adaptation_configuration import (
        AdaptationConfig,
        check_adaptation_config,
    )

    config = _cli.parse(AdaptationConfig, {"default": AdaptationConfig()}, arguments, "python train/adapt.py")
    check_adaptation_config(config)
    from atmodist_core.harmonics import keep_freed_memory
    from atmodist_core.training.adaptation.adaptation import adapt

    keep_freed_memory()
    result = adapt(
        config,
        stop=_cli.stop_requests("Stopping after this step; add --resume to continue"),
        say=(lambda text: print(text, flush=True)) if config.progress else (lambda _: None),
        command=shlex.join(["atmodist adapt", *arguments]).replace("'atmodist adapt'", "atmodist adapt"),
    )
    if result is None:
        return _cli.EXIT_INTERRUPTED
    for name, verdict in result.verdicts.items():
        print(f"{name}: {verdict.sentence}")
    print(f"The models are in {result.models}; the report is {result.report}.")
    return _cli.EXIT_OK


if __name__ == "__main__":
    _cli.run(main)
