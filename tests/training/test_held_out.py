import numpy as np
import pytest
import torch

from atmodist_core.inference.lag_probabilities import chance_scores
from atmodist_core.networks import Encoder, EncoderConfig
from atmodist_core.training.data import held_out
from atmodist_core.training.data.fields_in_memory import load_fields
from atmodist_core.training.data.patches import MATCHING_STREAM, PatchSampler
from atmodist_core.training.data.training_data import measure_normalization
from atmodist_core.training.distance.distance_matching import DistanceCurves, measure_distance_curves


def test_scores_of_a_hand_made_case():
    probability = torch.tensor(
        [
            [0.4, 0.3, 0.2, 0.1],  # class 0: right; median is class 1
            [0.4, 0.3, 0.2, 0.1],  # class 3: wrong by 3, not among the top three; median wrong by 2
            [0.1, 0.2, 0.1, 0.6],  # class 1: wrong by 2, among the top three; median wrong by 2
        ]
    )
    scores = held_out.pretext_scores(probability.log(), torch.tensor([0, 3, 1]), 3.0)
    assert scores["accuracy"] == pytest.approx(1 / 3)
    assert scores["top3"] == pytest.approx(2 / 3)
    assert scores["lag_error_hours"] == pytest.approx((0 + 3 + 2) / 3 * 3.0)
    assert scores["median_lag_error_hours"] == pytest.approx((1 + 2 + 2) / 3 * 3.0)
    assert scores["loss"] == pytest.approx(-np.log([0.4, 0.1, 0.2]).mean())


def test_confusion_counts_true_rows_and_predicted_columns():
    logits = torch.eye(3)[[0, 1, 1, 2]]
    counts = held_out.confusion_matrix(logits, torch.tensor([0, 0, 1, 2]))
    np.testing.assert_array_equal(counts, [[1, 1, 0], [0, 1, 0], [0, 0, 1]])


def test_chance_of_23_classes():
    chance = chance_scores(23, 3.0)
    assert chance["accuracy"] == pytest.approx(1 / 23)
    # mean |k - 12| over 1..23 is 2 (1 + ... + 11) / 23 = 132 / 23 steps of 3 h
    assert chance["lag_error_hours"] == pytest.approx(3.0 * 132 / 23)


def test_baselines_find_a_lag_that_differences_tell_and_no_other():
    random = np.random.default_rng(0)
    labels = random.integers(0, 6, 4000)
    exact = np.stack([labels * 0.1 + 1.0, random.standard_normal(4000)], axis=1)
    parts = (exact[:3000], labels[:3000]), (exact[3000:], labels[3000:])
    scores = held_out.difference_baselines(*parts, classes=6, lag_step_hours=3.0)
    assert scores["least_squares_accuracy"] == 1.0
    assert scores["rms_accuracy"] > 0.99 and scores["rms_lag_error_hours"] < 0.1

    noise = random.standard_normal((4000, 2))
    parts = (noise[:3000], labels[:3000]), (noise[3000:], labels[3000:])
    scores = held_out.difference_baselines(*parts, classes=6, lag_step_hours=3.0)
    chance = chance_scores(6, 3.0)
    for name in ("accuracy", "lag_error_hours"):
        assert scores[f"rms_{name}"] == pytest.approx(chance[name], rel=0.2)
    assert scores["rms_top3"] == pytest.approx(0.5, abs=0.06)


def test_a_curved_relation_is_found_by_neighbours_but_not_by_least_squares():
    random = np.random.default_rng(1)
    labels = random.integers(0, 5, 3000)
    x = ((labels - 2.0) ** 2 + 0.1 * labels)[:, None]
    parts = (x[:2000], labels[:2000]), (x[2000:], labels[2000:])
    scores = held_out.difference_baselines(*parts, classes=5, lag_step_hours=3.0)
    assert scores["rms_accuracy"] > 0.95 > 0.5 > scores["least_squares_accuracy"]


def curves(weather, classes=8):
    fields = load_fields([weather], storage="float32")
    fields = fields.normalize_in_place(measure_normalization(fields, [(0, 60)]))
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(blocks_per_stage=1))
    sampler = PatchSampler(fields, [(0, 60)], patch_size=16, stream=MATCHING_STREAM)
    options = {
        "classes": classes,
        "lag_step_hours": 3.0,
        "stride": 1,
        "patch_size": 16,
        "pairs_per_lag": 24,
    }
    return encoder, measure_distance_curves(encoder, fields, sampler, **options)


def test_distance_matching_brings_every_layer_to_the_size_of_the_mse(weather):
    encoder, measured = curves(weather)
    assert set(measured.mean) == {"mse", *encoder.config.layers}
    assert measured.lags_hours.tolist() == [3.0 * k for k in range(1, 9)]
    upper = slice(4, None)
    for layer, scale in measured.scales().items():
        d, m = measured.mean[layer][upper], measured.mean["mse"][upper]
        assert scale == pytest.approx((d * m).sum() / (d * d).sum(), rel=1e-9)
        # the least-squares scale leaves a residual orthogonal to the distance
        assert abs(((scale * d - m) * d).sum()) < 1e-9 * (m * d).sum()
    assert (measured.mean["mse"][1:] > measured.mean["mse"][0]).all()  # red noise: further apart, less alike
    assert encoder.training  # measured in evaluation mode, then put back


def test_distance_curves_are_reproducible_and_written(weather, tmp_path):
    one, two = curves(weather, 3)[1], curves(weather, 3)[1]
    np.testing.assert_array_equal(one.mean["stage2"], two.mean["stage2"])
    one.write(tmp_path / "curves.csv")
    lines = (tmp_path / "curves.csv").read_text().splitlines()
    assert lines[0].startswith("lag_hours,mse_mean,mse_std,stage1_mean") and len(lines) == 4


def test_saturation_is_the_first_lag_near_the_plateau():
    mean = {"mse": np.array([0.5, 0.85, 0.95, 1.0, 1.0, 1.0, 1.0, 1.0])}
    table = DistanceCurves(3.0 * np.arange(1, 9), mean, mean)
    assert table.saturation_hours("mse") == 9.0
