"""Published figures: each test names its source."""

import numpy as np
import pytest
from scipy.special import chdtrc

from model_review.metrics.answers import Answers
from model_review.metrics.catalog import find, tasks_with
from model_review.metrics.ranking import placements
from model_review.metrics.values import value
from model_review.paired import Design, compare_metric
from model_review.statistics import calibration, drift
from model_review.statistics.delong import delong
from model_review.statistics.estimate import Floats
from model_review.statistics.flips import flips
from model_review.statistics.losses import paired_t, sign_flip_p
from model_review.statistics.multiplicity import benjamini_hochberg, holm
from model_review.statistics.power import connor_rows, reach
from model_review.statistics.proportions import mcnemar, paired_proportion, tango_interval
from model_review.statistics.slice_score import sliceline_score

OVARIAN = """3.0 5.8 10 0;3.2 6.3 5 1;3.9 6.8 3 1;2.8 4.8 6 0;3.2 5.8 3 1;0.9 4.0 5 0;2.5 5.7 8 0;1.6 5.6 5 1;
3.8 5.7 5 1;3.7 6.7 6 1;3.2 5.4 4 1;3.8 6.6 6 1;4.1 6.6 5 1;3.6 5.7 5 1;4.3 7.0 4 1;3.6 6.7 4 0;2.3 4.4 6 1;
4.2 7.6 4 0;4.0 6.6 6 0;3.5 5.8 6 1;3.8 6.8 7 1;3.0 4.7 8 0;4.5 7.4 5 1;3.7 7.4 5 1;3.1 6.6 6 1;4.1 8.2 6 1;
4.3 7.0 5 1;4.3 6.5 4 1;3.2 5.1 5 1;2.6 4.7 6 1;3.3 6.8 6 0;1.7 4.0 7 0;3.7 6.1 5 1;3.3 6.3 7 1;4.2 7.7 6 1;
3.5 6.2 5 1;2.9 5.7 9 0;2.1 4.8 7 1;2.8 6.2 8 0;4.0 7.0 7 1;3.3 5.7 6 1;3.7 6.9 5 1;3.6 6.6 5 1"""


@pytest.mark.parametrize(
    ("first", "delta", "error", "low", "high", "p_value"),
    [(0, 0.0108, 0.0953, -0.1761, 0.1976, 0.9102), (1, -0.0780, 0.1046, -0.2830, 0.1271, 0.4561)],
)
def test_delong_on_the_ovarian_cancer_data_of_1988(
    first: int, delta: float, error: float, low: float, high: float, p_value: float
) -> None:
    """Source: SAS/STAT, PROC LOGISTIC, example "Comparing receiver operating characteristic curves"."""
    table = np.array([line.split() for line in OVARIAN.split(";")], dtype=float)
    scores = [table[:, 0], table[:, 1], 10 - table[:, 2]]
    # The study's event is the outcome of the rarer class; the tests score low where it is.
    sick = table[:, 3] == 1
    sides = [placements(score[sick], score[~sick]) for score in scores]
    assert [side.auc for side in sides] == pytest.approx([0.7366, 0.6478, 0.7258], abs=5e-5)
    estimate = delong(sides[2], sides[first], small_sample=False)
    assert estimate.delta == pytest.approx(delta, abs=6e-5)
    assert estimate.se == pytest.approx(error, abs=6e-5)
    assert estimate.interval(0.95) == pytest.approx((low, high), abs=6e-5)
    assert estimate.p_value == pytest.approx(p_value, abs=6e-5)


def test_delong_where_one_model_separates_perfectly_says_too_small_and_does_not_crash() -> None:
    truth = np.array([0, 0, 1, 1, 1])
    first, second = np.array([0.1, 0.2, 0.6, 0.7, 0.8]), np.array([0.3, 0.6, 0.2, 0.7, 0.9])
    sides = [placements(score[truth == 1], score[truth == 0]) for score in (first, second)]
    estimate = delong(sides[1], sides[0], small_sample=False)
    assert [side.auc for side in sides] == pytest.approx([1.0, 2 / 3])
    assert estimate.delta / estimate.se == pytest.approx(1.0)
    assert estimate.p_value == pytest.approx(0.3173, abs=5e-5)
    answers = [Answers("binary", truth, (score > 0.5).astype(int), score, 2) for score in (second, first)]
    metric = find("binary", "roc_auc")
    assert metric
    assert compare_metric(metric, answers[0], answers[1], Design(None, 0)).doubts
    same = compare_metric(metric, answers[1], answers[1], Design(None, 0))
    assert (same.delta, same.interval(0.95)) == (0.0, (0.0, 0.0))


@pytest.mark.parametrize(
    ("gained", "lost", "asymptotic", "corrected", "exact", "mid_p"),
    [
        (1, 7, 0.0339, 0.0771, 0.0703, 0.0391),
        (6, 16, 0.0330, 0.0550, 0.0525, 0.0347),
        (25, 15, 0.1138, 0.1547, 0.1539, 0.1173),
        (11, 1, 0.0039, 0.0094, 0.0063, 0.0034),
    ],
)
def test_mcnemar_in_its_four_forms(
    gained: int, lost: int, asymptotic: float, corrected: float, exact: float, mid_p: float
) -> None:
    """Source: Fagerland, Lydersen and Laake, BMC Medical Research Methodology 2013; facts T3."""
    test = mcnemar(gained, lost)
    found = (test.asymptotic, test.corrected, test.exact, test.mid_p)
    assert found == pytest.approx((asymptotic, corrected, exact, mid_p), abs=5.1e-5)


def test_mcnemar_on_mlxtends_table() -> None:
    """Source: mlxtend user guide, "McNemar's test", example 1 ([[101, 121], [59, 33]])."""
    test = mcnemar(121, 59)
    assert test.asymptotic == pytest.approx(3.8151e-06, rel=1e-4)
    assert test.corrected == pytest.approx(5.4501e-06, rel=1e-4)
    assert test.exact == pytest.approx(4.4344e-06, rel=1e-4)


def test_sign_flips_of_darwins_maize() -> None:
    """Source: Fisher, The Design of Experiments (1935), section 21."""
    difference = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], dtype=float)
    assert difference.mean() == pytest.approx(20.9333, abs=5e-5)
    assert sign_flip_p(difference, np.random.default_rng(0)) == 1726 / 32768
    estimate = paired_t(difference)
    assert estimate.delta / estimate.se == pytest.approx(2.14799, abs=5e-6)
    assert estimate.p_value == pytest.approx(0.0497029, abs=5e-7)


def test_students_sleep_data() -> None:
    """Source: Student (1908); figures as R prints them for `t.test(extra ~ group, sleep, paired = TRUE)`."""
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    estimate = paired_t(first - second)
    assert estimate.delta == pytest.approx(-1.58)
    assert estimate.delta / estimate.se == pytest.approx(-4.0621, abs=5e-5)
    assert estimate.p_value == pytest.approx(0.002833, abs=5e-7)
    assert estimate.interval(0.95) == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)


P_VALUES = ".0001 .0004 .0019 .0095 .0201 .0278 .0298 .0344 .0459 .3240 .4262 .5719 .6528 .7590 1"


def test_benjamini_and_hochbergs_fifteen_p_values() -> None:
    """Source: Benjamini and Hochberg, JRSS B 1995, section 4."""
    p_values = np.fromstring(P_VALUES, sep=" ")
    assert holm(p_values)[:4] == pytest.approx([0.0015, 0.0056, 0.0247, 0.1140], abs=5e-5)
    assert benjamini_hochberg(p_values)[:4] == pytest.approx([0.0015, 0.0030, 0.0095, 0.0356], abs=5.1e-5)
    assert (p_values <= 0.05 / 15).sum() == 3
    assert (holm(p_values) <= 0.05).sum() == 3
    assert (benjamini_hochberg(p_values) <= 0.05).sum() == 4


def bits(text: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(list(text), dtype=np.int64)


def test_flips() -> None:
    """Source: definitions of Yan et al. (CVPR 2021) and Bansal et al. (AAAI 2019); facts T6."""
    found = flips(bits("1111100000"), bits("1111000011"), bits("1110100100"))
    assert (found.nfr, found.pfr, found.churn) == (0.2, 0.3, 0.5)
    assert found.trust == pytest.approx(5 / 7)
    assert found.errors_kept == 0
    assert found.relative_nfr == pytest.approx(1.4286, abs=5e-5)


def test_calibration_error_depends_on_the_bins() -> None:
    """Source: facts T7, by hand."""
    truth = bits("0011011011")
    forecast = np.array([0.1, 0.2, 0.3, 0.4, 0.45, 0.55, 0.6, 0.65, 0.8, 0.95])
    answers = Answers("binary", truth, (forecast > 0.5).astype(int), forecast, 2)
    expected = {"brier_score": 0.1930, "log_loss": 0.54795, "roc_auc": 0.75, "d2_brier_score": 0.19583}
    for name, figure in expected.items():
        metric = find("binary", name)
        assert metric
        assert value(metric, answers) == pytest.approx(figure, abs=6e-6)
    width, mass = calibration.equal_width(forecast, 5), calibration.equal_mass(forecast, 5)
    errors = [
        calibration.expected_calibration_error(calibration.curve(truth.astype(float), forecast, bins))
        for bins in (width, mass)
    ]
    assert errors == pytest.approx([0.25, 0.21])


def test_drift_distances() -> None:
    """Source: facts T8, by hand and scipy.spatial.distance.jensenshannon."""
    expected, actual = np.array([0.1, 0.2, 0.4, 0.3]), np.array([0.2, 0.2, 0.3, 0.3])
    assert drift.population_stability_index(expected, actual) == pytest.approx(0.098083, abs=5e-7)
    assert drift.total_variation(expected, actual) == pytest.approx(0.10)
    assert drift.jensen_shannon_distance(expected, actual) == pytest.approx(0.109903, abs=5e-7)


def test_sliceline_score() -> None:
    """Source: SliceLine (Sagadeeva and Boehm, SIGMOD 2021), score of section 2.2; facts T9."""
    assert sliceline_score(330 / 819, 819, 0.15, 5000) == pytest.approx(1.346642, abs=5e-7)


def closed_form_tango(rows: int, gained: int, lost: int, z: float) -> Floats:
    """The same interval without iteration: roots of a quartic (Yang, Sun and Hardin, Statistics in Medicine 2013)."""
    g, d, s = z**2, gained - lost, gained + lost
    return np.sort(
        np.roots(
            [
                rows**2 * (rows / g + 1) ** 2,
                -rows * d * (rows / g + 1) * (4 * rows / g + 1),
                2 * rows * d**2 * (3 * rows / g + 2) / g - rows**2 * (s / g + 1),
                rows * d * (2 * s / g + 1) - d**3 * (4 * rows / g + 1) / g,
                d**2 * (d**2 / g - s) / g,
            ]
        ).real
    )


def test_tango_on_the_airway_data() -> None:
    """Source: Fagerland, Lydersen and Laake, Statistics in Medicine 2014, table of the airway data (1, 1, 7, 12)."""
    assert tango_interval(1, 7, 21, 0.95) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize(("gained", "lost", "rows"), [(40, 20, 160), (1, 7, 21), (12, 2, 50), (150, 86, 1600)])
def test_tango_equals_its_closed_form(gained: int, lost: int, rows: int) -> None:
    """Source: Yang, Sun and Hardin, Statistics in Medicine 2013; (40, 20, 160) is the example of R's PropCIs."""
    z = 1.959963984540054
    found = closed_form_tango(rows, gained, lost, z)
    low, high = tango_interval(gained, lost, rows, 0.95)
    assert np.abs(found - low).min() < 1e-9
    assert np.abs(found - high).min() < 1e-9


def test_wilsons_interval() -> None:
    """Source: Newcombe, Statistics in Medicine 1998 (17:857), table I: 81/263 and 15/148."""
    assert calibration.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert calibration.wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)


@pytest.mark.parametrize(
    ("rows", "discordance", "points"), [(200, 0.02, 2.8), (1000, 0.10, 2.8), (5000, 0.20, 1.8), (50_000, 0.05, 0.28)]
)
def test_detectable_effect_of_paired_accuracy(rows: int, discordance: float, points: float) -> None:
    """Source: facts 2.3, two-sided 5 %, power 80 %: (z + z) sqrt(discordance / n)."""
    assert 100 * reach(0.025) * np.sqrt(discordance / rows) == pytest.approx(points, abs=0.05)


def test_connors_sample_size_agrees_with_a_simulation_of_mcnemars_test() -> None:
    """Source: formula of Connor (Biometrics 1987); checked here by drawing tables, not by another formula."""
    rows = connor_rows(0.2, 0.05, 0.025)
    rng = np.random.default_rng(7)
    tables = rng.multinomial(rows, [0.125, 0.075, 0.8], 4000)
    shown = [(gained - lost) / np.sqrt(gained + lost) > 1.959964 for gained, lost, _ in tables]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.02)


def test_agrestis_approval_of_the_prime_minister() -> None:
    """Source: Agresti, Categorical Data Analysis, table 10.1 (794, 150, 86, 570) and section 10.1: z^2 = 17.36."""
    estimate = paired_proportion(86, 150, 1600)
    assert estimate.delta == pytest.approx(-0.04)
    assert estimate.se == pytest.approx(0.0095, abs=5e-5)
    assert mcnemar(86, 150).asymptotic == pytest.approx(float(chdtrc(1, 17.36)), rel=0.01)
    assert estimate.interval(0.95) == pytest.approx((-0.06, -0.02), abs=0.005)


def test_jensen_shannon_as_scipy_documents_it() -> None:
    """Source: SciPy's reference, scipy.spatial.distance.jensenshannon, the third example."""
    found = drift.jensen_shannon_distance(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    assert found == pytest.approx(0.46450140402245893, rel=1e-14)


HALVES = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.01, 0.99]]
DOCUMENTED = {
    "roc_auc": ([0, 0, 1, 1], None, [0.1, 0.4, 0.35, 0.8], 0.75),
    "average_precision": ([0, 0, 1, 1], None, [0.1, 0.4, 0.35, 0.8], 0.83),
    "log_loss": ([0, 0, 1, 1], None, [row[1] for row in HALVES], 0.1738),
    "brier_score": ([0, 1, 1, 0], None, [0.1, 0.9, 0.8, 0.3], 0.0375),
    "mcc": ([1, 1, 1, 0], [1, 0, 1, 1], None, -0.33),
    "balanced_accuracy": ([0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1], None, 0.625),
    "f1_macro": ([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1], None, 0.267),
    "mae": ([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0], None, 0.5),
    "rmse": ([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0], None, 0.612),
    "median_ae": ([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0], None, 0.5),
    "r2": ([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0], None, 0.948),
    "poisson_deviance": ([2.0, 0.0, 1.0, 4.0], [0.5, 0.5, 2.0, 2.0], None, 1.4260),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_metrics_as_scikit_learn_documents_them(name: str) -> None:
    """Source: scikit-learn's reference and user guide, examples of each metric; the digits printed are cut."""
    truth, predicted, score, figure = DOCUMENTED[name]
    task = tasks_with(name)[0]
    metric = find(task, name)
    assert metric
    classes = {"binary": 2, "multiclass": 3, "regression": 0}[task]
    said = np.zeros(len(truth), dtype=int) if predicted is None else np.array(predicted)
    answers = Answers(task, np.array(truth), said, None if score is None else np.array(score), classes)
    digits = len(str(figure).split(".")[1])
    assert value(metric, answers) == pytest.approx(figure, abs=1.01 * 10**-digits)
