"""What each of two processes does in test_gan_distributed.py; started by torchrun, it is no test itself.

python -m torch.distributed.run --standalone --nproc-per-node=2 tests/training/two_gan_processes.py FOLDER
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from train import autoencoder, ensemble, gan

_OPTIONS = (
    "--preset smoke --device cpu --precision float32 --threads 1 --batch-size 4 --log-interval 1 --no-progress"
    " --sample-epochs 0"
)
GAN = (
    f"{_OPTIONS} --patch-size 16 --filters 8 --residual-blocks 1 --batches-per-epoch 3 --pretraining-epochs 1"
    " --epochs 1 --final-epochs 1 --validation-patches 4 --discriminator-filters 8 8 --discriminator-dense 8"
    " --ema-decay 0.9 --noise-channels 1 --instance-noise 0.1 --r1-weight 10 --r1-interval 2"
    " --conserve-block-mean --balance-low 0.5 --balance-high 0.7"
).split()
ENSEMBLE = (
    f"{_OPTIONS} --patch-size 16 --filters 8 --residual-blocks 1 --batches-per-epoch 3 --epochs 2"
    " --validation-patches 4 --members 3 --fine-noise-channels 2 --patch-weight 0.5 --patch-energy-size 4"
    " --conserve-block-mean --matching-pairs 2"
).split()
AUTOENCODER = (
    f"{_OPTIONS} --patch-size 48 --epochs 1 --batches-per-epoch 4 --validation-patches 4 --matching-pairs 2"
    " --learning-rate 1e-5 --schedule constant"
).split()


def main(folder: str) -> None:
    """Generators with all that processes must agree on, and an autoencoder."""
    assert gan.main([*GAN, "--out", f"{folder}/gan"]) == 0
    assert ensemble.main([*ENSEMBLE, "--out", f"{folder}/ensemble"]) == 0
    assert autoencoder.main([*AUTOENCODER, "--out", f"{folder}/autoencoder"]) == 0


if __name__ == "__main__":
    main(sys.argv[1])
