"""Sets of fields trained with one budget: the table is that of the cards, and a second call trains nothing."""

import json
from types import SimpleNamespace

import pytest

from atmodist_core.common.errors import UserError
from train.applications import field_sets


def test_sets_are_read_and_mistakes_named():
    found = field_sets.parsed_sets(["heat=t@850", "wind=u@850,v@500"])
    assert found == {"heat": ("temperature@850",), "wind": ("u@850", "v@500")}
    for wrong in ([], ["t@850"], ["heat="], ["a=t", "a=u"]):
        with pytest.raises(UserError, match="such as dynamics="):
            field_sets.parsed_sets(wrong)


def test_the_table_is_the_mean_over_seeds():
    def card(accuracy):
        scores = {"held_out_accuracy": accuracy, "chance_accuracy": 0.25, "rms_accuracy": 0.3}
        return SimpleNamespace(channels=("u@850",), scores={**scores, "held_out_median_lag_error_hours": 4.0})

    text = field_sets.table_of({"wind": [card(0.5), card(0.4)], "heat": [card(0.25)]})
    assert "| wind | u@850 | 45.0 | 40.0 to 50.0 | 1.80 | 4.0 | 30.0 |" in text
    assert "| heat | u@850 | 25.0 | one seed | 1.00 | 4.0 | 30.0 |" in text


def test_every_set_has_the_same_budget_and_a_second_call_trains_nothing(
    levels_file, tmp_path, monkeypatch, capsys
):
    sets = ["--sets", "heat=temperature@850", "rotation=vorticity@850,vorticity@500"]
    small = [
        "--batches",
        "2",
        "--batch-size",
        "4",
        "--pairs",
        "8",
        "--classes",
        "2",
        "--patch-size",
        "33",
        "--gap-hours",
        "6",
    ]
    arguments = [
        "--data",
        str(levels_file),
        *sets,
        *small,
        "--threads",
        "1",
        "--no-progress",
        "--out",
        str(tmp_path),
    ]
    assert field_sets.main(arguments) == 0
    configs = [json.loads((tmp_path / name / "config.json").read_text()) for name in ("heat-0", "rotation-0")]
    budgets = [
        {key: value for key, value in config.items() if key not in ("data", "run")} for config in configs
    ]
    assert budgets[0] == budgets[1]
    assert configs[1]["data"]["channels"] == ["vorticity@850", "vorticity@500"]
    card = json.loads((tmp_path / "heat-0" / "model" / "card.json").read_text())
    table = (tmp_path / "field_sets.md").read_text()
    assert f"| heat | temperature@850 | {100 * card['scores']['held_out_accuracy']:.1f} | one seed |" in table
    first = capsys.readouterr().out
    monkeypatch.setattr(
        "atmodist_core.training.distance.distance_training.train_distance",
        lambda *_: pytest.fail("trained again"),
    )
    assert field_sets.main(arguments) == 0
    assert capsys.readouterr().out.strip() in first
