import pytest

from atmodist_core.errors import UserError
from atmodist_core.training.distance_training import train_distance
from atmodist_core.training.gan_training import train_gan
from atmodist_core.training.held_out import score_pretext_task
from tests.training.mock_weather import distance_config, gan_config


def test_a_finished_network_is_scored_beside_the_simple_predictors(weather, tmp_path):
    model = train_distance(distance_config(tmp_path, epochs=1, batches_per_epoch=1), [weather])
    one, two = (score_pretext_task(model, [weather], pairs=64) for _ in range(2))
    assert one == two != score_pretext_task(model, [weather], pairs=64, seed=2)
    for who in ("network", "chance", "least_squares", "rms"):
        assert 0.0 < one[f"{who}_lag_error_hours"] < 12.0  # five lags of 3 to 15 h
    assert one["chance_accuracy"] == 0.2
    # the network has learned nothing; differences of red noise tell the lag better than chance does
    assert one["rms_lag_error_hours"] < one["chance_lag_error_hours"]


def test_only_distance_models_are_scored(weather, tmp_path):
    model = train_gan(gan_config(tmp_path, epochs=0, final_epochs=0), [weather])
    with pytest.raises(UserError, match=r"Expected a distance model, found .* a downscaler"):
        score_pretext_task(model, [weather])
