"""What differs between four networks called GoogLeNet, read off the networks themselves."""

from dataclasses import fields, replace
from typing import Annotated, get_args, get_origin

import pytest
import torch
from networks import convolutions, parameters, pictures
from torch import nn

from googlenet_lib import VARIANTS, GoogLeNet, UsageError
from googlenet_lib.network.table1 import DROPOUT, HEADS
from googlenet_lib.network.variants import Variant
from googlenet_lib.settings import apply_overrides

# A second transcription of the table in variants.py, by what a built network shows.
EXPECTED = {
    "paper": {
        "norm": "LRN",
        "conv bias": True,
        "large kernel": 5,
        "stem": (7, 2),
        "pools": [3, 3, 3, 3],
        "head pool": "average 5/3",
        "head conv": "bias",
        "dropout": (0.4, 0.7),
        "init": "xavier",
    },
    "torchvision": {
        "norm": "batch, 0.001",
        "conv bias": False,
        "large kernel": 3,
        "stem": (7, 2),
        "pools": [3, 3, 3, 2],
        "head pool": "adaptive 4",
        "head conv": "batch, 0.001",
        "dropout": (0.2, 0.7),
        "init": "truncated_normal",
    },
    "classroom": {
        "norm": "batch, 1e-05",
        "conv bias": True,
        "large kernel": 5,
        "stem": (7, 2),
        "pools": [3, 3, 3, 3],
        "head pool": "adaptive 4",
        "head conv": "bias",
        "dropout": (0.4, 0.7),
        "init": "torch",
    },
    "small": {
        "norm": "batch, 0.001",
        "conv bias": False,
        "large kernel": 5,
        "stem": (3, 1),
        "pools": [None, 3, 3, 3],
        "head pool": "adaptive 4",
        "head conv": "batch, 0.001",
        "dropout": (0.2, 0.7),
        "init": "torch",
    },
}


@pytest.fixture(scope="module", params=VARIANTS)
def network(request):
    return GoogLeNet(VARIANTS[request.param], 10, width=0.1)


def the_one(values):
    """The value that all of them share."""
    (value,) = set(values)
    return value


def norm_of(block):
    if isinstance(block.bn, nn.BatchNorm2d):
        assert block.conv.bias is None or block.conv.bias.numel() == block.bn.num_features
        return f"batch, {block.bn.eps:g}"
    assert isinstance(block.bn, nn.Identity)
    return "LRN"


def head_pool_of(pool):
    if isinstance(pool, nn.AdaptiveAvgPool2d):
        return f"adaptive {pool.output_size}"
    assert isinstance(pool, nn.AvgPool2d)
    return f"average {pool.kernel_size}/{pool.stride}"


def test_network_is_what_the_table_says(network):
    expected = EXPECTED[network.variant.name]
    heads = [network.aux1, network.aux2]
    in_heads = [module for head in heads for module in head.modules()]
    blocks = [
        module
        for module in network.modules()
        if type(module).__name__ == "ConvBlock" and module not in in_heads
    ]
    assert len(blocks) == 57
    modules = [child for child in network.children() if type(child).__name__ == "Inception"]
    assert len(modules) == 9
    stem = network.conv1.conv
    pools = [network.maxpool1, network.maxpool2, network.maxpool3, network.maxpool4]
    found = {
        "norm": the_one(norm_of(block) for block in blocks),
        "conv bias": the_one(block.conv.bias is not None for block in blocks),
        "large kernel": the_one(module.branch3[1].conv.kernel_size[0] for module in modules),
        "stem": (stem.kernel_size[0], stem.stride[0]),
        "pools": [getattr(pool, "kernel_size", None) for pool in pools],
        "head pool": the_one(head_pool_of(head.pool) for head in heads),
        "head conv": the_one(
            "bias" if head.conv.conv.bias is not None else norm_of(head.conv) for head in heads
        ),
        "dropout": (network.dropout.p, the_one(head.dropout.p for head in heads)),
        "init": network.variant.init,
    }
    assert found == expected


def test_pools_round_up(network):
    pools = [module for module in network.modules() if isinstance(module, nn.MaxPool2d)]
    between = [pool for pool in pools if pool.stride == 2]
    inside = [pool for pool in pools if pool.stride == 1]
    assert all(pool.ceil_mode for pool in between)
    assert [(pool.kernel_size, pool.padding) for pool in inside] == [(3, 1)] * 9


def test_local_response_norm_sits_where_figure_3_has_it(network):
    """After the first pool, and before the second."""
    order = []
    for name, module in network.named_children():
        if not isinstance(module, nn.Identity):
            module.register_forward_hook(lambda *_, name=name: order.append(name))
    with torch.no_grad():
        network.eval()(pictures(1, 64))
    stem = order[: order.index("inception3a")]
    full = ["conv1", "maxpool1", "lrn1", "conv2", "conv3", "lrn2", "maxpool2"]
    missing = set()
    if network.variant.name != "paper":
        missing |= {"lrn1", "lrn2"}
    if network.variant.name == "small":
        missing |= {"maxpool1"}
    assert stem == [name for name in full if name not in missing]
    assert order[len(stem) :] == [
        *("inception3a", "inception3b", "maxpool3"),
        *("inception4a", "inception4b", "inception4c", "inception4d", "inception4e", "maxpool4"),
        *("inception5a", "inception5b", "avgpool", "dropout", "fc"),
    ]


def test_local_response_norm_has_caffes_constants():
    network = GoogLeNet(VARIANTS["paper"], 10, width=0.1)
    for norm in (network.lrn1, network.lrn2):
        assert (norm.size, norm.alpha, norm.beta, norm.k) == (5, 1e-4, 0.75, 1.0)


def test_paper_variant_agrees_with_the_papers_own_facts():
    paper = VARIANTS["paper"]
    assert paper.dropout == DROPOUT
    assert [head.dropout for head in HEADS] == [paper.head_dropout] * 2


# ---- how large -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variant", "classes", "heads", "count"),
    [
        ("torchvision", 1000, True, 13_004_888),
        ("classroom", 10, False, 5_998_362),
        ("classroom", 10, True, 10_348_590),
    ],
)
def test_parameters(variant, classes, heads, count):
    assert parameters(GoogLeNet(VARIANTS[variant], classes, heads=heads)) == count


def test_small_is_half_as_wide_as_table_1():
    small, full = VARIANTS["small"], replace(VARIANTS["small"], width=1.0)
    narrow = convolutions(GoogLeNet(small, 10, heads=False))
    wide = convolutions(GoogLeNet(full, 10, heads=False))
    assert [2 * conv.out_channels for conv in narrow] == [conv.out_channels for conv in wide]


# ---- the smallest picture ------------------------------------------------------------------------


STEMS = [  # kernel, stride, pools, kernel of maxpool4
    *((VARIANTS[name], {}) for name in VARIANTS),
    *(
        (
            VARIANTS["small"],
            {"stem_kernel": k, "stem_stride": s, "stem_pools": p, "maxpool4_kernel": m},
        )
        for k, s, p, m in (
            *((3, 4, (True, True), 5), (1, 2, (False, False), 1), (9, 3, (True, False), 2)),
            *((5, 32, (False, True), 4), (3, 1, (False, False), 6)),
        )
    ),
]


@pytest.mark.parametrize(("variant", "stem"), STEMS)
@torch.no_grad()
def test_smallest_picture_is_the_smallest_that_works(variant, stem, monkeypatch):
    variant = replace(variant, min_size=1, **stem)
    size = variant.smallest
    network = GoogLeNet(variant, 10, heads=False, width=0.1).eval()
    last = []
    network.inception5b.register_forward_hook(lambda _, __, output: last.append(output.shape[2]))
    for height, width in ((size, size), (size, size + 9), (size + 9, size)):
        logits = network(pictures(2, height, width))
        assert logits.shape == (2, 10)
        assert logits.isfinite().all()
        assert last.pop() == variant.last_map(height)
    monkeypatch.setattr(network, "_check_input", lambda x: None)
    assert variant.last_map(size - 1) == 0
    with pytest.raises(RuntimeError, match=r"too small|non-empty|greater than"):  # PyTorch's own
        network(pictures(2, size - 1))


@pytest.mark.parametrize("name", VARIANTS)
def test_min_size_says_what_the_layers_need_and_may_say_more(name):
    assert VARIANTS[name].smallest == VARIANTS[name].min_size
    assert replace(VARIANTS[name], min_size=40).smallest == 40


# ---- values out of their domain ------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting",
    [
        *("eps=0", "eps=nan", "dropout=1.5", "head_dropout=-1", "stem_kernel=4"),
        *("large_kernel=-3", "stem_stride=64", "maxpool4_kernel=99", "min_size=1000000000"),
        *("reduction=inf", "width=0", "width=1e9"),
    ],
)
def test_value_out_of_range_is_refused(setting):
    name = setting.partition("=")[0]
    with pytest.raises(UsageError, match=f"{name}=.* came; expected .* to "):
        apply_overrides(VARIANTS["small"], [setting], "--vary")


def test_every_number_has_a_domain():
    for field in fields(Variant):
        if get_origin(field.type) is not Annotated:
            assert not {int, float} & {field.type, *get_args(field.type)}, field.name


@pytest.mark.parametrize(("own", "given"), [(0.5, 17), (8, 1.01), (1, float("nan")), (1, 1e300)])
def test_networks_wider_than_memory_holds_are_refused(own, given):
    with pytest.raises(UsageError, match=r"width came as .* at most 8 times"):
        GoogLeNet(replace(VARIANTS["small"], width=own), 10, width=given)
