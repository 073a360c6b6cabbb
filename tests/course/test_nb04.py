"""The explorers of notebook 04 answer their switches."""

import html

import matplotlib

matplotlib.use("Agg")


from googlenet_lib.course.nb04.audit import explore_auditor
from googlenet_lib.course.nb04.comparison import explore_variants
from googlenet_lib.network.table1 import Reading, audit, count_matches
from googlenet_lib.network.variants import VARIANTS


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


def test_two_variants_and_a_size_are_chosen():
    (one, other, size), picture, words = parts(explore_variants())
    assert tuple(one.options) == tuple(other.options) == tuple(VARIANTS)
    assert "6,998,552" in words.value
    assert "6,624,904" in words.value
    before = bytes(picture.value)
    other.value = "small"
    assert "2,010,360" in words.value
    size.value = 32
    assert "120.9 M" in html.unescape(words.value)
    one.value = "small"
    assert "0 choices differ" in words.value
    assert bytes(picture.value) != before
