"""Runs against each other: the numbers of the tables and of the curves are those of the folders."""

import csv
import json
import shutil

import numpy as np
import pytest

from atmodist_core.common.errors import UserError
from atmodist_core.figures.comparison import Curve, curves_figure
from atmodist_core.training.configuration import (
    AutoencoderConfig,
    DataConfig,
    DistanceConfig,
    GanConfig,
    RunConfig,
    to_dict,
)
from atmodist_core.training.records.run_comparison import (
    best_runs,
    comparison_markdown,
    differing_settings,
    read_runs,
)
from atmodist_core.training.records.run_record import RunRecord, read_run
from train.figures import compare

ROWS = (
    {"step": 10, "epoch": 0, "loss": 2.0, "seconds": 30.0},
    {
        "step": 20,
        "epoch": 0,
        "loss": 1.5,
        "held_out_mse": 0.5,
        "held_out_power_ratio_vorticity": 0.6,
        "seconds": 66.0,
    },
    {
        "step": 40,
        "epoch": 1,
        "loss": 1.0,
        "held_out_mse": 0.4,
        "held_out_power_ratio_vorticity": 0.7,
        "seconds": 120.0,
    },
)
SCORES = {"held_out_mse": 0.4, "held_out_power_ratio_vorticity": 0.7, "held_out_bicubic_mse": 0.9}


def write_run(folder, config, *, factor=1.0, finished=True, clock=True):
    """A folder as a training leaves it; scores are multiplied by ``factor``."""
    folder.mkdir(parents=True)
    values = to_dict(config) | {"kind": type(config).__name__}
    (folder / "config.json").write_text(json.dumps(values))
    columns = ["step", "epoch", "loss", "held_out_mse", "held_out_power_ratio_vorticity", "seconds"]
    with (folder / "curves.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns if clock else columns[:-1], restval="", extrasaction="ignore")
        writer.writeheader()
        for row in ROWS if finished else ROWS[:2]:
            writer.writerow({k: v * factor if k.startswith("held_out") else v for k, v in row.items()})
        if not finished:
            file.write("30,1,1.2")  # killed while it wrote
    if finished:
        (folder / "scores.json").write_text(json.dumps({k: v * factor for k, v in SCORES.items()}))
    return folder


def gan(name="run", batch_size=8, **changes):
    run = RunConfig(out=name, threads=3, log_interval=7)
    return GanConfig(
        data=DataConfig(data=("/somewhere/member-1",)), run=run, batch_size=batch_size, **changes
    )


def cells(markdown, row):
    (line,) = [line for line in markdown.splitlines() if line.startswith(f"| {row} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_tables_hold_the_settings_that_differ_and_the_scores(tmp_path):
    folders = [
        write_run(tmp_path / "first", gan(adversarial_weight=0.001)),
        write_run(tmp_path / "second", gan(batch_size=16), factor=1.1),
        write_run(tmp_path / "third", gan(), factor=0.5, finished=False, clock=False),
    ]
    runs = read_runs(folders)
    assert differing_settings(runs) == {"adversarial_weight": [0.001, 0.004, 0.004], "batch_size": [8, 16, 8]}
    text = comparison_markdown(runs, "comparison.png")
    assert cells(text, "adversarial_weight") == ["0.001", "0.004", "0.004"]
    assert cells(text, "MSE") == ["**0.4**", "0.44", "*0.25*"]  # an unfinished run is never the best
    assert cells(text, "power ratio vorticity") == ["0.7", "**0.77**", "*0.3*"]  # nearest to one
    assert cells(text, "state") == ["finished", "finished", "not finished"]
    assert cells(text, "steps") == ["40", "40", "20"]
    assert cells(text, "samples") == ["320", "640", "160"]
    assert cells(text, "wall clock [h:min:s]") == ["0:02:00", "0:02:00", ""]
    assert "threads" not in text and "log_interval" not in text and "bicubic" not in text
    assert "italic: the latest of a run that is not finished (third)" in text


def test_equal_scores_are_all_marked_and_one_run_is_not(tmp_path):
    runs = read_runs([write_run(tmp_path / name, gan()) for name in "ab"])
    assert best_runs(runs, "mse") == {"a", "b"} and best_runs(runs[:1], "mse") == set()
    assert differing_settings(runs) == {} and "None of those" in comparison_markdown(runs)


@pytest.mark.parametrize(
    ("score", "values", "best"),
    [
        ("top3", (0.4, 0.5, 0.3), "b"),
        ("lag_error_hours", (9.0, 8.0, 7.0), "c"),
        ("spurious_power_vorticity", (-0.02, 0.01, 0.05), "b"),
        ("kurtosis_ratio_vorticity", (1.2, 0.7, 1.1), "c"),
        ("something_else", (1.0, 2.0, 3.0), ""),
    ],
)
def test_what_is_best_depends_on_the_score(score, values, best):
    nothing = {"step": np.zeros(0)}
    runs = [
        RunRecord(name, "downscaler", {}, nothing, {score: value}, True)
        for name, value in zip("abc", values, strict=True)
    ]
    assert best_runs(runs, score) == set(best)


def test_the_command_writes_picture_and_text(tmp_path, capsys):
    folders = [
        write_run(tmp_path / "srgan-0.001", gan()),
        write_run(tmp_path / "srgan-0.004", gan(), factor=2.0, finished=False),
    ]
    assert compare.main([*map(str, folders), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.startswith("# Comparison of 2 run(s): downscaler")
    assert (tmp_path / "out" / "comparison.png").read_bytes()[:4] == b"\x89PNG"
    drawing = (tmp_path / "out" / "comparison.svg").read_text()
    assert drawing.startswith("<?xml") and "srgan-0.004 (not finished)" in drawing
    assert (
        "![Held-out scores during training](comparison.png)"
        in (tmp_path / "out" / "comparison.md").read_text()
    )
    assert compare.main([str(folders[0]), "--out", str(tmp_path / "a-0.5.png")]) == 0
    assert {path.name for path in tmp_path.glob("a-*")} == {"a-0.5.png", "a-0.5.svg", "a-0.5.md"}


def test_curves_lie_over_steps_samples_and_the_clock(tmp_path):
    runs = read_runs([write_run(tmp_path / "a", gan()), write_run(tmp_path / "b", gan(batch_size=16))])
    assert compare.samples_differ(runs) and not compare.samples_differ(runs[:1])
    mse, ratio = compare.curves_of(runs[1], with_samples=True)
    assert mse.score == "MSE" and mse.target is None and ratio.target == 1.0
    np.testing.assert_array_equal(mse.positions["steps"], [20, 40])
    np.testing.assert_array_equal(mse.positions["samples"], [320, 640])
    np.testing.assert_allclose(mse.positions["wall clock [min]"], [1.1, 2.0])
    np.testing.assert_array_equal(mse.values, [0.5, 0.4])
    figure = curves_figure([mse, ratio])
    assert len(figure.axes) == 2 * 3
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), [0.5, 0.4])
    assert [axes.get_xlabel() for axes in figure.axes[3:]] == ["steps", "samples", "wall clock [min]"]
    assert figure.legends[0].get_texts()[0].get_text() == "b"
    with pytest.raises(UserError, match="at least one held-out score"):
        curves_figure([])


def test_more_runs_than_colours_still_differ():
    place = {"steps": np.array([0.0, 1.0])}
    figure = curves_figure([Curve(f"run {i}", "MSE", place, np.array([i, i])) for i in range(12)])
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}) == 12


def test_models_that_ship_can_be_compared(repository):
    models = repository / "assets" / "models"
    runs = read_runs([models / "srgan-4x-mse", models / "sr-4x-mse"])
    card = json.loads((models / "srgan-4x-mse" / "card.json").read_text())
    assert runs[0].finished and runs[0].scores["mse"] == card["scores"]["held_out_mse"]
    assert runs[0].held_out_names and runs[0].steps == card["schedule"]["steps"]
    table = differing_settings(runs)
    assert "hardware" not in table and "adversarial_weight" in table
    assert not any(name.startswith("bicubic") for name in runs[0].scores)


def test_a_run_and_a_model_share_what_both_record(repository, tmp_path):
    run = write_run(tmp_path / "mine", gan(batch_size=4))
    table = differing_settings(read_runs([run, repository / "assets" / "models" / "srgan-4x-mse"]))
    assert table["batch_size"] == [4, 16] and "storage" not in table


def test_runs_of_one_name_are_told_apart_by_the_folder_above(tmp_path):
    folders = [write_run(tmp_path / name / "mse", gan()) for name in ("a", "b")]
    assert [run.name for run in read_runs(folders)] == ["a/mse", "b/mse"]


def test_environment_is_told_with_its_changes(tmp_path):
    folder = write_run(tmp_path / "run", gan())
    starts = [{"processor": p, "precision": "float32"} for p in ("CPU A", "CPU A", "GPU B")]
    (folder / "environment.json").write_text(json.dumps({"starts": starts}))
    assert read_run(folder).computed_on == "CPU A, float32; then GPU B, float32"


def test_what_cannot_be_compared_is_one_sentence(tmp_path):
    downscaler = write_run(tmp_path / "gan", gan())
    for number, config in enumerate((DistanceConfig(), AutoencoderConfig())):
        other = write_run(tmp_path / str(number), config)
        with pytest.raises(UserError, match=r"runs of one kind, found a downscaler \(gan\), a [a-z]+ \(\d\)"):
            compare.main([str(downscaler), str(other)])
    with pytest.raises(UserError, match="at least one folder"):
        compare.main([])
    with pytest.raises(UserError, match="found neither"):
        compare.main([str(tmp_path)])
    (downscaler / "curves.csv").write_text("a,b\n")
    with pytest.raises(UserError, match="a column 'step'"):
        compare.main([str(downscaler)])
    (downscaler / "curves.csv").unlink()
    with pytest.raises(UserError, match="has the run begun"):
        compare.main([str(downscaler)])
    (downscaler / "config.json").write_text("{")
    with pytest.raises(UserError, match="a broken one"):
        compare.main([str(downscaler)])
    shutil.rmtree(downscaler)
    with pytest.raises(UserError, match="found neither"):
        compare.main([str(downscaler)])
