"""What a network costs, against Table 1 and other counters; receptive fields, measured."""

import warnings

import pytest
import torch
import torchinfo
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from googlenet_lib.network.count import child_costs, model_costs
from googlenet_lib.network.googlenet import GoogLeNet
from googlenet_lib.network.table1 import (
    TABLE_1,
    table_costs,
    total,
)
from googlenet_lib.network.variants import VARIANTS


@pytest.fixture(scope="module")
def torchvision_net():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torchvision.models.googlenet(weights=None, init_weights=False, aux_logits=False)


@pytest.fixture(scope="module")
def paper_net():
    return GoogLeNet(VARIANTS["paper"])


@pytest.fixture(scope="module", params=["torchvision's", *VARIANTS])
def any_net(request):
    if request.param == "torchvision's":
        return request.getfixturevalue("torchvision_net")
    return GoogLeNet(VARIANTS[request.param], heads=False)


def test_paper_variant_costs_what_table_1_says(paper_net):
    by_name = {cost.name: cost for cost in child_costs(paper_net)}
    for row, expected in zip(TABLE_1, table_costs(bias=True), strict=True):
        if row.kind in ("dropout", "softmax"):
            continue
        names = {"conv2": ["conv2", "conv3"], "linear": ["fc"]}.get(row.name, [row.name])
        parts = [by_name[name] for name in names]
        assert total(parts) == (expected.params, expected.macs), row.name
        assert parts[-1].shape == (expected.shape if row.kind != "linear" else (1000,)), row.name
        assert (parts[-1].field, parts[-1].jump) == (expected.field, expected.jump), row.name


def test_paper_variant_with_and_without_heads(paper_net):
    assert total(model_costs(paper_net)) == (6_998_552, 1_582_671_872)
    everything = model_costs(paper_net, call=paper_net.all_outputs)
    assert total(everything)[0] == 13_378_280
    heads = {c.name: c for c in child_costs(paper_net, call=paper_net.all_outputs)}
    # the heads' own pool and 1x1 convolution, then a linear layer over all 4x4 positions
    assert (heads["aux1"].params, heads["aux2"].params) == (3_188_840, 3_190_888)
    assert heads["aux1"].field == 171 + 4 * 16 + 3 * 48


def test_every_variant_lists_58_weight_layers_and_all_parameters(any_net):
    layers = [c for c in model_costs(any_net) if c.macs > 0]
    assert [c.kind for c in layers].count("Conv2d") == 57
    assert [c.kind for c in layers].count("Linear") == 1
    assert total(model_costs(any_net))[0] == sum(p.numel() for p in any_net.parameters())


def test_flop_counter_counts_two_per_multiply_add(any_net):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        any_net.eval()(torch.zeros(1, 3, 64, 64))
    counted = {name.split(".")[-1]: sum(ops.values()) for name, ops in counter.flop_counts.items()}
    assert 2 * total(model_costs(any_net, (3, 64, 64)))[1] == counter.get_total_flops()
    for cost in child_costs(any_net, (3, 64, 64)):
        assert 2 * cost.macs == counted.get(cost.name, 0), cost.name


def test_torchinfo_agrees_where_it_means_the_same(any_net):
    size = (3, 64, 64)
    summary = torchinfo.summary(any_net, input_size=(1, *size), verbose=0)
    assert summary.total_params == total(model_costs(any_net, size))[0]
    # torchinfo also counts norms, and one operation per bias: only conv and linear rows compare,
    # less one for each output value where the layer has a bias.
    theirs = [row for row in summary.summary_list if isinstance(row.module, nn.Conv2d | nn.Linear)]
    ours = [cost for cost in model_costs(any_net, size) if cost.kind in ("Conv2d", "Linear")]
    for row, cost in zip(theirs, ours, strict=True):
        biases = torch.Size(cost.shape).numel() if row.module.bias is not None else 0
        assert (row.num_params, row.macs) == (cost.params, cost.macs + biases), cost.name
        assert tuple(row.output_size[1:]) == cost.shape, cost.name


def test_torchvision_sees_less_because_its_5x5_is_a_3x3(torchvision_net):
    for net in (torchvision_net, GoogLeNet(VARIANTS["torchvision"])):
        fields = {cost.name: cost.field for cost in child_costs(net)}
        assert fields["inception5b"] == 379
        assert total(model_costs(net)) == (6_624_904, 1_498_376_192)


def test_convolutions_with_groups_dilation_and_rectangles():
    net = nn.Sequential(
        nn.Conv2d(4, 8, 3, groups=2, dilation=2),
        nn.Conv2d(8, 8, (5, 3), stride=(1, 2), bias=False),
        nn.AvgPool2d((1, 2)),
    )
    dilated, rectangle, pool = model_costs(net, (4, 16, 20))
    assert (dilated.params, dilated.macs) == (8 * 2 * 9 + 8, 8 * 12 * 16 * 2 * 9)
    assert (dilated.field, dilated.jump) == (5, 1)
    assert (rectangle.shape, rectangle.macs) == ((8, 8, 7), 8 * 8 * 7 * 8 * 15)
    assert (rectangle.field, rectangle.jump) == (7, 2)  # along the width: 3 columns, not 5
    assert (pool.params, pool.macs, pool.field, pool.jump) == (0, 0, 9, 4)


@pytest.mark.parametrize("shape", [(6,), (5, 6), (2, 5, 6)])
def test_linear_layers_on_any_number_of_axes(shape):
    (cost,) = model_costs(nn.Linear(6, 7), shape)
    assert cost.shape == (*shape[:-1], 7)
    assert (cost.params, cost.macs) == (6 * 7 + 7, torch.Size(cost.shape).numel() * 6)


def test_layer_that_runs_twice_has_its_parameters_once():
    layer = nn.Conv2d(3, 3, 3, padding=1)
    first, second = model_costs(nn.Sequential(layer, nn.ReLU(), layer), (3, 8, 8))
    assert (first.params, second.params) == (84, 0)
    assert first.macs == second.macs == 3 * 8 * 8 * 27
    assert second.field == 5


def test_child_that_is_never_called_itself():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)])

        def forward(self, x):
            return self.layers[1](self.layers[0](x))

    (child,) = child_costs(Listed(), (3, 9, 9))
    assert (child.name, child.shape, child.field) == ("layers", (5, 5, 5), 5)
    assert child.params == 3 * 4 * 9 + 4 + 4 * 5 * 9 + 5


def test_layers_are_listed_in_the_order_in_which_they_run():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(4, 5)
            self.block = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())

        def forward(self, x):
            return self.last(self.block(x).mean((2, 3)))

    net = Backwards()
    assert [cost.name for cost in model_costs(net, (3, 8, 8))] == ["block.0", "block.1", "last"]
    block, last = child_costs(net, (3, 8, 8))
    assert (block.name, block.kind, block.shape) == ("block", "Sequential", (4, 6, 6))
    assert (block.params, block.macs) == (3 * 4 * 9 + 4 + 2 * 4, 4 * 6 * 6 * 27)
    assert (last.name, last.kind, last.field) == ("last", "Linear", 8)  # the mean sees all


def test_unknown_layers_with_parameters_are_refused_by_name():
    net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ConvTranspose2d(3, 3, 2))
    with pytest.raises(TypeError, match=r"1 came as ConvTranspose2d .* Conv2d"):
        model_costs(net, (3, 8, 8))


def test_model_is_left_as_it_was():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten())
    net.train()
    net[1].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    model_costs(net, (3, 8, 8))
    assert [module.training for module in net] == [True, False, True, True]
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())
    assert not hasattr(net(torch.zeros(2, 3, 8, 8)), "seen")


def test_model_is_left_as_it_was_after_an_exception():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(5, 4, 3)).train()
    with pytest.raises(RuntimeError):
        model_costs(net, (3, 8, 8))
    assert not any(module._forward_hooks for module in net.modules())
    assert all(module.training for module in net.modules())
    assert not hasattr(torch.zeros(1) + 1, "seen")


# ---- receptive fields, measured ------------------------------------------------------------------


@torch.no_grad()
def measured_field(net, channels, height, width):
    """Distance of the outermost columns that reach the middle of the output.

    Every picture of the batch has one column that is not a number; whatever sees it, is not
    a number either.
    """
    pictures = torch.zeros(width, channels, height, width)
    for column in range(width):
        pictures[column, :, :, column] = torch.nan
    outputs = net.eval()(pictures)
    middle = outputs[..., outputs.shape[-1] // 2] if outputs.dim() == 4 else outputs
    (reaching,) = middle.flatten(1).isnan().any(dim=1).nonzero(as_tuple=True)
    return int(reaching.max() - reaching.min() + 1)


class Branches(nn.Module):
    """Branches of different reach side by side, the widest one dilated."""

    def __init__(self):
        super().__init__()
        self.narrow = nn.Conv2d(2, 2, 1)
        self.wide = nn.Conv2d(2, 2, 3, padding=3, dilation=3)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)

    def forward(self, x):
        return torch.cat([self.wide(x), self.narrow(x), self.pool(x)], dim=1).relu_()


def toy_net(*tail):
    stem = [nn.Conv2d(1, 2, 5, stride=2, padding=2), nn.ReLU(inplace=True)]
    return nn.Sequential(*stem, nn.MaxPool2d(3, 2, ceil_mode=True), Branches(), *tail)


class FunctionalHead(nn.Module):
    """Pools to four columns by a function."""

    def forward(self, x):
        return nn.functional.adaptive_avg_pool2d(x, (1, 4))


@pytest.mark.parametrize(
    "tail",
    [
        [],
        [nn.Conv2d(6, 3, 3, stride=2)],
        [nn.AdaptiveAvgPool2d((1, 4)), nn.Conv2d(6, 3, 1)],
        [nn.AdaptiveMaxPool2d((1, 7)), nn.Conv2d(6, 3, 1)],
        [FunctionalHead(), nn.Conv2d(6, 3, 1)],
    ],
    ids=["branches", "strided", "adaptive", "adaptive max", "functional"],
)
def test_theoretical_field_is_the_measured_one(tail):
    net = toy_net(*tail)
    theory = child_costs(net, (1, 16, 120))[-1].field  # 30 columns after the stem
    assert theory == measured_field(net, 1, 16, 120)


@pytest.mark.parametrize(
    "tail", [[], [nn.AdaptiveAvgPool2d((1, 4))], [nn.AdaptiveAvgPool2d(1)]], ids=["map", "4", "1"]
)
def test_linear_layer_after_a_flattened_map_sees_all_of_it(tail):
    net = toy_net(*tail, nn.Flatten(), nn.LazyLinear(3))
    net(torch.zeros(1, 1, 16, 56))
    field = model_costs(net, (1, 16, 56))[-1].field
    assert field == (3 + 3 * 2) + 6 * 4 + 13 * 4  # one value's field, and 13 steps of 4 pixels
    assert measured_field(net, 1, 16, 56) == 56  # less what hangs over the edges


@pytest.mark.parametrize(("variant", "field"), [("paper", 59), ("torchvision", 43)])
def test_receptive_field_of_inception3a_is_the_measured_one(variant, field):
    net = GoogLeNet(VARIANTS[variant], heads=False)
    stem = [net.conv1, net.maxpool1, net.lrn1, net.conv2, net.conv3, net.lrn2, net.maxpool2]
    trunk = nn.Sequential(*stem, net.inception3a)
    assert child_costs(trunk, (3, 8, 96))[-1].field == field
    assert measured_field(trunk, 3, 8, 96) == field
