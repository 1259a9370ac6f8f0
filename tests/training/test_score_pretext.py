"""The judgement of a finished distance network: predictors, intervals, saturation."""

import numpy as np
import pytest
import torch

from atmodist_core.common.errors import UserError
from atmodist_core.training.data.held_out import pretext_scores
from atmodist_core.training.data.training_fields import Member
from atmodist_core.training.distance.difference_predictors import PairFeatures, difference_predictions
from atmodist_core.training.distance.distance_training import train_distance
from atmodist_core.training.distance.pair_bootstrap import PairBootstrap, with_interval
from atmodist_core.training.distance.pretext_score import pair_outcomes, score_pretext_task
from atmodist_core.training.gan.gan_training import train_gan
from tests.training.mock_weather import distance_config, gan_config
from train import score_distance


def test_a_finished_network_is_scored_beside_the_simple_predictors(weather, tmp_path):
    model = train_distance(distance_config(tmp_path, epochs=1, batches_per_epoch=1), [weather])
    one, two = (score_pretext_task(model, [weather], pairs=64, lag_pairs=4) for _ in range(2))
    assert one == two != score_pretext_task(model, [weather], pairs=64, lag_pairs=4, seed=2)
    for who in ("network", "chance", "rms", "rms_latitude", "rms_network", "rms_best"):
        assert 0.0 < one[f"{who}_lag_error_hours"] < 12.0  # five lags of 3 to 15 h
    assert one["chance_accuracy"] == 0.2 and one["accuracy_over_chance"] == pytest.approx(
        5 * one["network_accuracy"]
    )
    # the network has learned nothing; differences of red noise tell the lag better than chance does
    assert one["rms_best_lag_error_hours"] < one["chance_lag_error_hours"]
    errors = [one[f"{who}_lag_error_hours"] for who in ("rms", "rms_latitude", "rms_network")]
    assert one["rms_best_lag_error_hours"] == min(errors)
    assert one["lag_error_ratio"] == pytest.approx(one["network_lag_error_hours"] / min(errors))
    assert one["lag_error_ratio_alone"] == pytest.approx(one["network_lag_error_hours"] / errors[0])
    for name in [name for name in one if name.endswith("_low")]:
        assert one[name] <= one[name.replace("_low", "_high")]
    assert one["saturation_ratio_all"] == pytest.approx(
        one["saturation_hours_all"] / one["saturation_hours_mse"]
    )
    text = score_distance.report(one)
    assert text.count("| AtmoDist, ") == 5 and "| 90 % saturation lag, stage4, over l2's | >= 1.7 |" in text
    with pytest.raises(UserError, match="Expected blocks of at least 3 days, found 1"):
        score_pretext_task(model, [weather], block_days=1)


def test_only_distance_models_are_scored(weather, tmp_path):
    model = train_gan(gan_config(tmp_path, epochs=0, final_epochs=0), [weather])
    with pytest.raises(UserError, match=r"Expected a distance model, found .* a downscaler"):
        score_pretext_task(model, [weather])


def test_outcomes_of_pairs_average_to_the_scores_of_training():
    torch.manual_seed(0)
    logits, labels = torch.randn(200, 6), torch.randint(0, 6, (200,))
    found = pair_outcomes(logits.softmax(1).double().numpy(), labels.numpy(), 3.0)
    expected = pretext_scores(logits, labels, 3.0)
    assert found["accuracy"].mean() == pytest.approx(expected["accuracy"])
    assert found["top3"].mean() == pytest.approx(expected["top3"])
    assert found["mode_lag_error_hours"].mean() == pytest.approx(expected["lag_error_hours"])
    assert found["lag_error_hours"].mean() == pytest.approx(expected["median_lag_error_hours"])


def test_simple_predictors_use_latitude_and_strength_where_these_tell_more():
    random = np.random.default_rng(0)

    def features(count):
        labels = random.integers(0, 6, count)
        latitude, strength = random.uniform(0, 60, count), np.exp(random.normal(0, 0.5, count))
        # the difference grows with the lag, with the latitude and with the strength of the weather
        size = (labels + 1.0) * (1 + latitude / 30) * strength
        return PairFeatures(size[:, None], strength[:, None], latitude, labels)

    training, held_out = features(3000), features(500)
    found = difference_predictions(training, held_out, 6)
    accuracy = {name: (p.argmax(axis=1) == held_out.labels).mean() for name, p in found.items()}
    assert accuracy["rms"] < accuracy["rms_network"] - 0.2
    assert accuracy["rms_network"] > 0.75
    assert all(p.sum(axis=1) == pytest.approx(1.0) for p in found.values())
    again = difference_predictions(training, held_out, 6)
    assert all(np.array_equal(found[name], again[name]) for name in found)


def member(start, stop):
    return Member("a", start, stop, 3.0, "")


def test_days_are_counted_through_all_members():
    bootstrap = PairBootstrap((member(0, 50), member(50, 90)), 3)
    days = bootstrap.days(np.array([0, 7, 8, 49, 50, 57, 58, 89]))
    np.testing.assert_array_equal(days, [0, 0, 1, 6, 7, 7, 8, 11])
    assert bootstrap.axis.size == 12


def test_the_interval_of_a_mean_is_as_wide_as_its_blocks_say():
    """Values alike over four days at a time: the error is that of 60 values, not of as many as there are."""
    random = np.random.default_rng(1)
    times = np.arange(240 * 8)
    values = random.standard_normal(60)[times // 32]
    found = {}
    for block_days in (4, 8):
        bootstrap = PairBootstrap((member(0, len(times)),), block_days)
        table = with_interval("mean", bootstrap.means(values, bootstrap.days(times)))
        assert table["mean"] == pytest.approx(values.mean())
        found[block_days] = table["mean_high"] - table["mean_low"]
    expected = 2 * 1.96 * values.std() / np.sqrt(60)
    # overlapping blocks cut the runs of four days: a block of that length sees two thirds of the variance
    assert found[4] == pytest.approx(expected * np.sqrt(2 / 3), rel=0.15)
    assert expected * 0.75 < found[8] < expected * 1.15


def test_data_of_less_than_three_blocks_have_no_interval():
    bootstrap = PairBootstrap((member(0, 64),), 3)
    assert with_interval("mean", bootstrap.means(np.arange(64.0), bootstrap.days(np.arange(64)))) == {
        "mean": pytest.approx(31.5)
    }
