"""Targets with a slip of the pen: what was meant."""

import pytest

from jwcal.targets import explain_target

NAMES = {"jw01_02101_00001_nrca1", "jw01-o001_t001_nircam_clear-f200w", "jw01-o001_t001_nircam_clear-f200w_full"}


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("sumary", "there is no such target; did you mean summary?"),
        ("everything", "there is no such target"),
        ("products/jw01_02101_00001_nrca1_linearty.fits",
         "nothing makes a product with the suffix linearty; did you mean linearity?"),
        ("./products/jw01_02101_00001_nrca1_xyz.fits", "nothing makes a product with the suffix xyz"),
        ("products/jw01_02101_00002_nrca1_rate.fits",
         "no exposure or association of that name is at hand; did you mean jw01_02101_00001_nrca1?"),
        ("products/m31_rate.fits", "no exposure or association of that name is at hand"),
    ],
)  # fmt: skip
def test_doubtful_targets(target, said):
    assert explain(target) == said


@pytest.mark.parametrize(
    "target",
    ["reports/report.html", "products/jw01_02101_00001_nrca1_o001_crf.fits",
     "products/jw01_02101_00001_nrca1_linearity.fits", "products/jw01-o001_t001_nircam_clear-f200w_full_i2d.fits"],
)  # fmt: skip
def test_targets_with_no_slip_in_them(target):
    assert explain(target) is None


def explain(target):
    return explain_target(target, "products", {"all", "summary", "report"}, NAMES, {"linearity", "jump"})
