"""The table of all models of a plan."""

import json
from pathlib import Path

from train.plan.experiment_plan import PLANS
from train.plan.runs import Place, jobs_of
from train.plan.tables import score_table


def test_the_table_has_scores_and_costs_of_finished_models(tmp_path: Path):
    jobs = jobs_of(PLANS["rivals-short"], Place(tmp_path, settings={"data": ("a",)}))
    scores = {"held_out_mse": 0.5, "held_out_crps_vorticity": 0.1, "held_out_crps_divergence": 0.25}
    flow = {"mean": {}, "generator": {}, "flow": {"steps": 4, "solver": "heun"}}
    for name, architecture in (("ensemble-4x-amse", {"generator": {}}), ("flow-4x", flow)):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        card = {"scores": scores, "architecture": architecture, "parameters": 1234567}
        (folder / "card.json").write_text(json.dumps(card))
    evaluation = tmp_path / "evaluation.json"
    models = {
        "flow-4x": {"variogram_score": {"vorticity": [2e-6, 1e-6, 3e-6], "divergence": [1e-6, 0, 2e-6]}}
    }
    evaluation.write_text(json.dumps({"models": models}))
    header, _, *rows = score_table(jobs, evaluation).splitlines()
    assert [row.split(" | ")[0] for row in rows] == ["| flow-4x", "| ensemble-4x-amse"]
    assert (
        "0.1 / 0.25" in rows[0] and "2e-06 / 1e-06" in rows[0] and "| 8 |" in rows[0] and "| 1 |" in rows[1]
    )
    assert "variogram_score" in header and "crps" not in header and "1,234,567" in rows[1]
    assert len({row.count("|") for row in (header, *rows)}) == 1
