"""Pictures during training: when they are due, what they hold, and that they change nothing."""

import random

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import AtmodistWarning, UserError
from atmodist_core.figures.training import patch_figure, pretext_figure
from atmodist_core.training.configuration import RunConfig
from atmodist_core.training.ensemble.ensemble_training import EnsembleTrainer, train_ensemble
from atmodist_core.training.records import samples
from atmodist_core.training.records.samples import (
    draw_downscaling_samples,
    draw_reconstruction_samples,
    draw_samples_if_due,
    evaluating,
    samples_due,
)
from tests.training.mock_weather import distance_config, ensemble_config, gan_config, replaced
from tests.training.test_resume import (
    DistanceTrainer,
    GanTrainer,
    same_files,
    stop_after,
    train_distance,
    train_gan,
)


@pytest.mark.parametrize(
    ("interval", "epochs", "expected"),
    [
        (-1, 20, [3, 7, 11, 15, 19]),
        (-1, 2, [0, 1]),
        (3, 8, [2, 5, 7]),
        (1, 3, [0, 1, 2]),
        (100, 4, [3]),
        (0, 4, []),
    ],
)
def test_pictures_are_drawn_at_an_interval_and_at_the_end(interval, epochs, expected):
    assert [e for e in range(epochs) if samples_due(interval, e, epochs)] == expected


class Trainer:
    """Ten epochs of two steps, whose pictures use up random numbers."""

    is_main_process = True
    total_steps = 20

    def __init__(self):
        self.drawn = []

    def epoch_of(self, step):
        return step // 2

    def draw_samples(self, folder, step):
        random.random()
        np.random.random()
        torch.rand(1)
        self.drawn.append((folder.name, step))


def numbers():
    return random.random(), float(np.random.random()), float(torch.rand(1))


def test_drawing_leaves_every_random_state_alone(tmp_path):
    expected = [numbers() for _ in range(3)]
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    trainer, found = Trainer(), []
    for epoch in (0, 1, 3):
        draw_samples_if_due(trainer, RunConfig(out=tmp_path, sample_epochs=2), epoch, 2 * epoch + 2)
        found.append(numbers())
    assert found == expected
    assert trainer.drawn == [("samples", 4), ("samples", 8)]


def test_an_early_end_is_drawn_and_other_processes_draw_nothing(tmp_path):
    trainer = Trainer()
    draw_samples_if_due(trainer, RunConfig(out=tmp_path, sample_epochs=5), 2, 6, last=True)
    assert trainer.drawn == [("samples", 6)]
    trainer.is_main_process = False
    draw_samples_if_due(trainer, RunConfig(out=tmp_path, sample_epochs=1), 3, 8)
    assert len(trainer.drawn) == 1
    draw_samples_if_due(object(), RunConfig(out=tmp_path), 0, 1)  # a trainer that draws nothing


def test_a_failure_is_a_warning_once_and_never_the_end(tmp_path):
    class Failing(Trainer):
        def draw_samples(self, folder, step):
            self.drawn.append(step)
            raise MemoryError("no room for a picture")

    trainer, run = Failing(), RunConfig(out=tmp_path, sample_epochs=1)
    with pytest.warns(
        AtmodistWarning, match=r"MemoryError: no room for a picture.*continues without"
    ) as caught:
        for epoch in range(3):
            draw_samples_if_due(trainer, run, epoch, 2 * epoch + 2)
    assert trainer.drawn == [2, 4, 6] and len(caught) == 1


def test_evaluating_gives_every_module_its_mode_back():
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    network[1].eval()  # frozen, while the rest trains
    with pytest.raises(ZeroDivisionError), evaluating(network):
        assert not network.training and not torch.is_grad_enabled()
        raise ZeroDivisionError
    assert network.training and network[0].training and not network[1].training and torch.is_grad_enabled()


def test_patches_lie_side_by_side_on_the_scale_of_the_truth(tmp_path):
    truth = torch.randn(2, 2, 16, 16)
    truth[:, 1] *= 10
    coarse = torch.nn.functional.avg_pool2d(truth, 4)
    path = draw_downscaling_samples(
        tmp_path, 12, coarse, 3 * truth.bfloat16(), truth, channels=("vorticity", "divergence")
    )
    assert path.name == "step_0000012.png" and path.read_bytes()[:4] == b"\x89PNG"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]

    panels = {"coarse input": coarse.numpy(), "generated": 3 * truth.numpy(), "truth": truth.numpy()}
    figure = patch_figure(panels, ("vorticity", "divergence"), title="a title")
    pictures = [axes.images[0] for axes in figure.axes if axes.images and axes.get_xticks().size == 0]
    assert len(pictures) == 2 * 2 * 3
    limits = [picture.get_clim() for picture in pictures]
    for channel, found in enumerate((limits[:6], limits[6:])):
        high = np.quantile(np.abs(truth[:, channel].numpy()), 0.995)
        np.testing.assert_allclose(found, [(-high, high)] * 6)
    np.testing.assert_array_equal(pictures[1].get_array(), 3 * truth[0, 0].numpy())
    np.testing.assert_array_equal(pictures[8].get_array(), truth[0, 1].numpy())
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["coarse input", "generated", "truth"]
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == ["vorticity, normalised", "divergence, normalised"]
    with pytest.raises(UserError, match="at least one patch"):
        patch_figure({"truth": truth[:0].numpy()}, ("vorticity", "divergence"))


def test_reconstructions_are_drawn_with_their_error(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(samples, "_write", lambda folder, step, figure: drawn.update(figure=figure) or folder)
    truth = torch.randn(1, 1, 8, 8)
    draw_reconstruction_samples(tmp_path, 1, truth, 0.5 * truth, channels=("vorticity",))
    pictures = [axes.images[0].get_array() for axes in drawn["figure"].axes if axes.images]
    np.testing.assert_allclose(pictures[0], -0.5 * truth[0, 0].numpy(), rtol=1e-6)


def test_the_confusion_matrix_shows_shares_of_each_true_lag():
    confusion = np.array([[3, 1], [0, 8]])
    lags = np.array([3.0, 6.0])
    curves = {"mse": (np.array([1.0, 2.0]), np.array([0.1, 0.2])), "stage2": (lags, lags)}
    figure = pretext_figure(confusion, 3.0, lags, curves)
    picture = figure.axes[0].images[0]
    np.testing.assert_allclose(picture.get_array(), [[0.75, 0.0], [0.25, 1.0]])  # true lags are columns
    assert tuple(picture.get_extent()) == (1.5, 7.5, 1.5, 7.5) and picture.origin == "lower"
    assert [line.get_label() for line in figure.axes[1].lines] == ["mean squared error", "AtmoDist, stage2"]
    assert figure.axes[1].get_xlabel() == "time lag [h]"


KINDS = {
    "distance": (DistanceTrainer, distance_config, train_distance),
    "gan": (GanTrainer, gan_config, train_gan),
    "ensemble": (EnsembleTrainer, lambda out, **c: ensemble_config(out, epochs=3, **c), train_ensemble),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_with_pictures_stopped_and_resumed_is_one_without(kind, weather, tmp_path, monkeypatch):
    trainer, config_of, train = KINDS[kind]
    train(config_of(tmp_path / "plain", sample_epochs=0), [weather])
    drawn = config_of(tmp_path / "drawn", sample_epochs=1)
    with monkeypatch.context() as patched:
        stop_after(patched, trainer, 5)
        assert train(drawn, [weather]) is None
    train(replaced(drawn, {"resume": True}), [weather])
    same_files(tmp_path / "plain", tmp_path / "drawn")
    assert not (tmp_path / "plain" / "samples").exists()
    pictures = sorted(path.name for path in (tmp_path / "drawn" / "samples").iterdir())
    ends = {"distance": (4, 8), "gan": (2, 4, 6), "ensemble": (2, 4, 6)}[kind]
    assert pictures == [f"step_{step:07d}.png" for step in ends]
