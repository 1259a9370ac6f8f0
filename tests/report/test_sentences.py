"""Every branch of the sentences: what is said follows from the interval alone."""

import numpy as np
import pytest

from atmodist_core.evaluation.bootstrap import Estimate
from atmodist_core.figures.findings.comparison import Side, Verdict, deviation, side_of, verdict
from atmodist_core.figures.report.sentences import (
    above_chance,
    against,
    compared,
    frequencies,
    left_out,
    ratio_by_box,
    ratio_sentence,
    shares_of_truth,
)

NAN = float("nan")
LOW, HIGH = Estimate(0.48, 0.46, 0.50), Estimate(1.2, 1.1, 1.3)
RIGHT, BARE, NOTHING = Estimate(1.0, 0.9, 1.1), Estimate(0.5, NAN, NAN), Estimate(NAN, NAN, NAN)


@pytest.mark.parametrize(
    ("estimate", "side"),
    [
        (LOW, Side.BELOW),
        (HIGH, Side.ABOVE),
        (RIGHT, Side.WITHIN),
        (Estimate(0.9, 0.8, 1.0), Side.WITHIN),  # an end that is the right value does not exclude it
        (BARE, Side.NO_INTERVAL),
        (NOTHING, Side.UNDEFINED),
        (Estimate(np.inf, 9.0, np.inf), Side.ABOVE),
    ],
)
def test_side(estimate, side):
    assert side_of(estimate) is side


def test_deviation_from_one_counts_half_and_double_alike():
    half, double = deviation(Estimate(0.5, 0.4, 0.8), "one"), deviation(Estimate(2.0, 1.25, 2.5), "one")
    np.testing.assert_allclose([half.value, half.low, half.high], [double.value, double.low, double.high])
    np.testing.assert_allclose([half.low, half.high], [np.log(1.25), np.log(2.5)])
    assert deviation(RIGHT, "one").low == 0
    assert deviation(Estimate(-0.1, -0.2, 0.1), "one").value == np.inf
    assert deviation(Estimate(-2.0, -3.0, -1.0), "zero") == Estimate(2.0, 1.0, 3.0)
    assert deviation(Estimate(-0.1, -0.2, 0.1), "zero") == Estimate(0.1, 0.0, 0.2)


@pytest.mark.parametrize(
    ("own", "other", "ideal", "expected"),
    [
        (Estimate(0.76, 0.74, 0.78), LOW, "one", Verdict.CLOSER),
        (LOW, Estimate(0.76, 0.74, 0.78), "one", Verdict.FURTHER),
        (Estimate(0.5, 0.49, 0.51), LOW, "one", Verdict.UNDECIDED),
        # 1.3 is as far as 0.77: too much on one side is no better than too little on the other.
        (Estimate(1.3, 1.25, 1.35), Estimate(0.77, 0.74, 0.80), "one", Verdict.UNDECIDED),
        (Estimate(3.0, 2.9, 3.1), LOW, "one", Verdict.FURTHER),
        (Estimate(1.0, 0.9, 1.1), Estimate(1.5, 1.4, 1.6), "zero", Verdict.CLOSER),
        (BARE, LOW, "one", Verdict.NO_INTERVAL),
        (LOW, BARE, "one", Verdict.NO_INTERVAL),
        (NOTHING, LOW, "one", Verdict.UNDEFINED),
        (LOW, HIGH, "none", Verdict.NO_IDEAL),
    ],
)
def test_verdict(own, other, ideal, expected):
    assert verdict(own, other, ideal) is expected


@pytest.mark.parametrize(
    ("advantage", "expected"),
    [
        (Estimate(0.02, 0.01, 0.03), Verdict.CLOSER),  # although the two intervals overlap
        (Estimate(-0.02, -0.03, -0.01), Verdict.FURTHER),
        (Estimate(0.02, -0.01, 0.03), Verdict.UNDECIDED),
        (Estimate(0.02, 0.0, 0.03), Verdict.UNDECIDED),
        (BARE, Verdict.UNDECIDED),  # without an interval of the difference the two intervals decide
    ],
)
def test_a_paired_difference_decides(advantage, expected):
    own, other = Estimate(0.50, 0.46, 0.54), Estimate(0.48, 0.44, 0.52)
    assert verdict(own, other, "one", advantage) is expected
    said = against("MSE", other, {"A": own}, "one", {"A": advantage})
    assert ("loser to the truth than MSE" in said) is (expected is Verdict.CLOSER)


def test_shares_are_those_of_the_numbers():
    said = shares_of_truth("Beyond it", "the truth's power", {"A": LOW, "B": Estimate(0.76, 0.74, 0.78)})
    assert said == (
        "Beyond it, A has 48 % [46, 50] of the truth's power and B 76 % [74, 78]. Too little: A and B."
    )
    said = shares_of_truth("X", "it", {"A": HIGH, "B": RIGHT, "C": BARE, "D": NOTHING, "E": LOW})
    assert "Too little: E; too much: A; not distinguishable from the truth: B; no interval" in said
    assert said.endswith("is claimed: C. Not defined: D (it).") and "D nan" not in said
    assert shares_of_truth("X", "it", {"D": NOTHING}) == "Not defined: D (it)."


def test_frequencies():
    said = frequencies("How often", {"A": LOW, "B": HIGH, "C": RIGHT, "D": BARE, "E": NOTHING})
    assert "0.480 [0.460, 0.500] in A" in said and "in E" not in said
    assert "Too rarely: A; too often: B; not distinguishable from the truth: C; no interval" in said
    assert said.endswith("not defined: E.")
    assert frequencies("How often", {"E": NOTHING}) == "How often. Not defined: E."


def test_the_candidate_may_lose():
    reference = Estimate(1.0e-5, 0.99e-5, 1.01e-5)
    others = {
        "worse": Estimate(1.15e-5, 1.12e-5, 1.17e-5),
        "better": Estimate(0.9e-5, 0.89e-5, 0.91e-5),
        "same": Estimate(1.01e-5, 1.0e-5, 1.02e-5),
        "bare": Estimate(0.1e-5, NAN, NAN),
        "none": NOTHING,
    }
    said = compared("RMSE of vorticity", "R", reference, others, "zero", "s-1")
    assert said.startswith("RMSE of vorticity: R 1.00 [0.99, 1.01] × 10⁻⁵ s⁻¹, worse 1.15 [1.12, 1.17]")
    assert said.endswith(
        "Closer to the truth than R: better; further from the truth than R: worse; not distinguishable from R with this "
        "record: same; no interval, so no difference is claimed: bare; not defined, so not compared: none."
    )
    assert "no model is called better" in compared("PSNR", "R", reference, others, "none", "dB")
    assert against("R", reference, {}, "one") == ""


@pytest.mark.parametrize(
    ("counts", "ratio", "words"),
    [
        ((80, 40, 30), Estimate(2.67, 1.8, 3.9), "ratio is 2.67 [1.80, 3.90]: A is closer"),
        ((10, 40, 100), Estimate(0.1, 0.05, 0.2), "A is further from the truth at more cities"),
        ((50, 50, 50), Estimate(1.0, 0.7, 1.4), "the interval contains 1, so neither model is better"),
        ((5, 145, 0), Estimate(np.inf, 2.0, np.inf), "degraded ratio is infinite [2.00, ∞]: A is closer"),
        ((5, 145, 0), Estimate(np.inf, 0.5, np.inf), "infinite [0.500, ∞]: the interval contains 1"),
        ((5, 145, 0), Estimate(np.inf, NAN, NAN), "ratio is infinite: no interval, so no difference"),
        ((0, 150, 0), Estimate(1.0, 1.0, 1.0), "no city differs, so there is no improved-to-degraded ratio"),
        ((80, 40, 30), NOTHING, "so there is no improved-to-degraded ratio"),
    ],
)  # fmt: skip
def test_city_counts(counts, ratio, words):
    said = ratio_sentence("A", "R", "Vorticity, 1 x 1 points", counts, (3, 2), ratio)
    better, equal, worse = counts
    assert f"better than R at {better}, equal at {equal} and worse at {worse} of 150 cities" in said
    assert "(significantly better at 3, significantly worse at 2)" in said and words in said


def test_ratios_of_several_boxes():
    said = ratio_by_box("A", "R", "vorticity", {"1 x 1": HIGH, "2 x 2": LOW, "3 x 3": RIGHT, "4 x 4": BARE})
    assert "closer to the truth than R at more cities: 1 x 1; neither" in said
    assert "Further from the truth than R at more cities: 2 x 2; closer" in said
    assert said.endswith("no interval, so no difference is claimed: 4 x 4.")


@pytest.mark.parametrize(
    ("estimate", "chance", "larger", "words"),
    [
        (Estimate(0.22, 0.21, 0.23), 0.043, True, "better than chance"),
        (Estimate(0.02, 0.01, 0.03), 0.043, True, "worse than chance"),
        (Estimate(7.9, 7.5, 8.3), 17.0, False, "better than chance"),
        (Estimate(20.0, 19.0, 21.0), 17.0, False, "worse than chance"),
        (Estimate(17.1, 16.0, 18.0), 17.0, False, "not distinguishable from chance"),
        (Estimate(0.22, NAN, NAN), 0.043, True, "no interval, so no difference"),
        (NOTHING, 0.043, True, "by chance is not known"),
        (Estimate(0.22, 0.21, 0.23), NAN, True, "by chance is not known"),
    ],
)
def test_chance(estimate, chance, larger, words):
    assert words in above_chance("Score", estimate, chance, larger=larger)


def test_what_is_left_out_is_named():
    assert left_out({"maps": "Maps"}) == [
        "Maps: the evaluation has no group 'maps', so there is no such section."
    ]
