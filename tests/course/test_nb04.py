"""The explorer of Table 1's audit answers its switches."""

import matplotlib

matplotlib.use("Agg")

from googlenet_lib.course.nb04.audit import explore_auditor
from googlenet_lib.network.table1 import Reading, audit, count_matches


def parts(box):
    controls, picture, words = box.children
    return controls.children, picture, words


def test_each_switch_of_the_auditor_flips_its_verdicts():
    changes = {
        "bias": True,
        "thousand": 1000,
        "large_kernel": 3,
        "separable_conv1": True,
        "released_widths": True,
    }
    for i, (field, value) in enumerate(changes.items()):
        switches, picture, words = parts(explore_auditor())
        assert "15 of 24" in words.value
        before = bytes(picture.value)
        switches[i].value = value
        count = sum(count_matches(audit(Reading(**{field: value}))))
        assert f"{count} of 24" in words.value, field
        assert count != 15
        assert bytes(picture.value) != before


def test_the_auditor_finds_the_best_reading():
    switches, _, words = parts(explore_auditor())
    switches[3].value = switches[4].value = True
    assert "18 of 24" in words.value
    assert "conv1 separable, widths as released" in words.value
