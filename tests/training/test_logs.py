import io

import pytest

from atmodist_core.training.records.logs import CurveLog, Progress


def test_resuming_drops_rows_after_the_checkpoint_and_torn_lines(tmp_path):
    log = CurveLog(tmp_path, ["loss", "accuracy"])
    for step in (10, 20, 30):
        log.write(step, 0, {"loss": step / 7, "unknown": 1.0})
    log.close()
    path = tmp_path / "curves.csv"
    path.write_text(path.read_text() + "40,0")  # a kill in the middle of a line
    log = CurveLog(tmp_path, ["loss", "accuracy"], resume_step=20)
    log.write(25, 1, {"accuracy": 0.5, "loss": float("inf")})
    log.close()
    rows = [line.rsplit(",", 1) for line in path.read_text().splitlines()]
    assert [row[0] for row in rows] == [
        "step,epoch,loss,accuracy",
        "10,0,1.42857,",
        "20,0,2.85714,",
        "25,1,,0.5",
    ]
    assert rows[0][1] == "seconds"


def test_the_clock_goes_on_where_it_stood(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    log = CurveLog(tmp_path, ["loss"])
    now = 107.5
    log.write(10, 0, {"loss": 1.0})
    log.close()
    now = 5000.0  # another process, much later
    log = CurveLog(tmp_path, ["loss"], resume_step=10)
    now = 5002.0
    log.write(20, 0, {"loss": 1.0})
    log.close()
    lines = (tmp_path / "curves.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[1] for line in lines] == ["seconds", "7.50", "9.50"]


def test_curves_without_a_clock_can_be_gone_on_with(tmp_path):
    (tmp_path / "curves.csv").write_text("step,epoch,loss\n10,0,1\n")  # of an earlier version
    CurveLog(tmp_path, ["loss"], resume_step=10).close()
    assert (tmp_path / "curves.csv").read_text().splitlines() == ["step,epoch,loss,seconds", "10,0,1,"]


def test_tensorboard_holds_the_same_numbers(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = CurveLog(tmp_path, ["loss", "held_out_loss"])
    log.write(10, 0, {"loss": 2.5, "held_out_loss": 3.5})
    log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert events.Scalars("training/loss")[0].value == 2.5
    assert events.Scalars("held out/loss")[0].step == 10


def test_progress_in_lines_where_there_is_no_terminal():
    stream = io.StringIO()
    progress = Progress(10, 4, 32, "pairs", stream=stream)
    progress.advance()
    progress.show({"loss": 2.5, "held_out_accuracy": 0.125}, always=True)
    assert stream.getvalue().startswith("step 5 of 10, loss 2.5, held out accuracy 0.125, ")
    assert "pairs/s, 0:00:0" in stream.getvalue()
    Progress(10, 0, 1, "pairs", shown=False, stream=stream).say("nothing")
    assert "nothing" not in stream.getvalue()


def test_progress_is_a_bar_on_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    progress = Progress(10, 4, 32, "patches", stream=stream)
    progress.show({"loss": 2.5})
    progress.advance()
    progress.say("a sentence")
    progress.close()
    assert (
        "a sentence" in stream.getvalue() and "5/10" in stream.getvalue() and "patches/s" in stream.getvalue()
    )
