"""What goes in and what comes out of the network, in either mode, and what it refuses."""

import copy
from dataclasses import replace

import pytest
import torch
from networks import enliven, error, parameters, pictures
from torch import nn

from googlenet_lib import VARIANTS, GoogLeNet, GoogLeNetOutput, UsageError
from googlenet_lib.device import Precision
from googlenet_lib.network.table1 import INCEPTION_ROWS, ROWS


def narrow(name, heads=True, classes=10, **options):
    return enliven(GoogLeNet(VARIANTS[name], classes, heads=heads, width=0.1, **options))


@pytest.fixture(scope="module")
def small():
    return narrow("small")


@pytest.fixture
def own(small):
    """A network that a test may change."""
    return copy.deepcopy(small)


def without_dropout(network):
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


# ---- what comes out ------------------------------------------------------------------------------


@pytest.mark.parametrize("heads", [True, False])
@pytest.mark.parametrize("name", VARIANTS)
@torch.no_grad()
def test_outputs_in_either_mode(name, heads):
    network = narrow(name, heads)
    x = pictures(2, 224 if (name, heads) == ("paper", True) else 64)
    logits = network(x)
    assert type(logits) is torch.Tensor
    assert logits.shape == (2, 10)

    everything = network.all_outputs(x)
    assert isinstance(everything, GoogLeNetOutput)
    assert torch.equal(everything.logits, logits)

    trained = network.train()(x)
    assert isinstance(trained, GoogLeNetOutput)
    for outputs in (everything, trained, network.all_outputs(x)):
        assert outputs.logits.shape == (2, 10)
        for aux in (outputs.aux_logits2, outputs.aux_logits1):
            assert aux is None if not heads else aux.shape == (2, 10)


@torch.no_grad()
def test_each_head_has_its_own_output(own):
    x = pictures(2, 32)
    maps = {}
    for row in ("inception4a", "inception4d"):
        block = own.get_submodule(row)
        block.register_forward_hook(lambda *call, row=row: maps.update({row: call[2]}))
    outputs = own.all_outputs(x)
    assert torch.equal(outputs.aux_logits1, own.aux1(maps["inception4a"]))
    assert torch.equal(outputs.aux_logits2, own.aux2(maps["inception4d"]))
    assert error(outputs.aux_logits1, outputs.aux_logits2) > 0.1


@pytest.mark.parametrize(
    ("output", "last", "others"),
    [
        ("aux_logits1", "inception4a", ["inception4b", "inception5b", "aux2", "fc"]),
        ("aux_logits2", "inception4d", ["inception4e", "inception5b", "aux1", "fc"]),
        ("logits", "inception5b", ["aux1", "aux2"]),
    ],
)
def test_loss_of_an_output_reaches_what_is_before_it(own, output, last, others):
    own.train().zero_grad()
    getattr(own(pictures(2, 32)), output).square().sum().backward()

    def reached(part):
        gradients = [parameter.grad for parameter in own.get_submodule(part).parameters()]
        return any(gradient is not None and gradient.any() for gradient in gradients)

    assert reached("conv1")
    assert reached(last)
    assert not any(reached(part) for part in others)


@torch.no_grad()
def test_maps_have_the_sizes_and_channels_of_table_1():
    network = GoogLeNet(VARIANTS["paper"], heads=False).eval()
    shapes = {}
    for name, module in network.named_children():
        module.register_forward_hook(
            lambda *call, name=name: shapes.update({name: tuple(call[2].shape[1:])})
        )
    network(pictures(1, 224))
    names = {"conv1", "maxpool1", "maxpool2", "maxpool3", "maxpool4", "avgpool"}
    for name in [*names, *(row.name for row in INCEPTION_ROWS)]:
        row = ROWS[name]
        assert shapes[name] == (row.channels, row.size, row.size), name
    assert shapes["conv3"] == (192, 56, 56)
    assert shapes["conv2"] == (64, 56, 56)
    assert shapes["fc"] == (1000,)


def test_evaluation_repeats_itself_and_training_drops_out():
    network = narrow("paper", heads=False)  # no BatchNorm, so that dropout is all that varies
    x = pictures(2, 32)
    assert torch.equal(network(x), network(x))
    network.train()
    assert not torch.equal(network(x).logits, network(x).logits)
    assert torch.equal(without_dropout(network)(x).logits, network.eval()(x))


@torch.no_grad()
def test_dropout_is_the_last_thing_before_the_classifier():
    network = narrow("paper", heads=False).train()
    network.dropout.p = 1.0  # nothing passes
    assert torch.equal(network(pictures(2, 32)).logits, network.fc.bias.expand(2, 10))


@torch.no_grad()
def test_statistics_move_in_training_mode_alone(own):
    before = copy.deepcopy(own.state_dict())
    own(pictures(4, 32, seed=3))
    own.all_outputs(pictures(4, 32, seed=3))
    after = own.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)

    own.train()(pictures(4, 32, seed=3))
    for name, tensor in own.state_dict().items():
        moved = "running" in name or "num_batches" in name
        assert torch.equal(before[name], tensor) != moved, name


@torch.no_grad()
def test_one_picture_does_not_depend_on_the_others(small):
    x = pictures(3, 32)
    assert error(torch.cat([small(picture[None]) for picture in x]), small(x)) < 1e-5


# ---- sizes and widths ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8), (32, 32), (33, 47), (64, 40), (97, 8)])
@torch.no_grad()
def test_pictures_of_any_shape(small, shape):
    outputs = small.all_outputs(pictures(2, *shape))
    assert all(logits.shape == (2, 10) and logits.isfinite().all() for logits in outputs)


@pytest.fixture(scope="module")
def paper():
    return GoogLeNet(VARIANTS["paper"], 10, width=0.02)


@pytest.mark.parametrize("shape", [(223, 223), (223, 270), (270, 270)])
@torch.no_grad()
def test_papers_heads_work_inside_that_range(paper, shape):
    assert paper.train()(pictures(1, *shape)).aux_logits1.shape == (1, 10)


@pytest.mark.parametrize(
    ("shape", "found", "left"),
    [((222, 223), "13x14", "3x4"), ((270, 271), "16x17", "4x5")],
)
@torch.no_grad()
def test_papers_heads_say_what_they_need_outside_of_it(paper, shape, found, left):
    x = pictures(1, *shape)
    for outputs in (paper.train(), paper.all_outputs):
        with pytest.raises(UsageError) as refusal:
            outputs(x)
        message = str(refusal.value)
        assert f"map of {found} pixels, which its average pooling takes to {left}" in message
        for part in ("14 to 16", "223 to 270", "224x224", "heads=False", '"small"'):
            assert part in message
    assert paper.eval()(x).shape == (1, 10)  # where no head runs, nothing is wrong


def test_width_scales_every_layer_but_the_classes():
    full, half = (
        GoogLeNet(VARIANTS["torchvision"], 10, width=width).state_dict() for width in (1.0, 0.5)
    )
    for name, tensor in full.items():
        channels = tensor.shape[:2]
        kept = {"fc": (10,), "aux1.fc2": (10,), "aux2.fc2": (10,)}
        layer = name.rsplit(".", 1)[0]
        expected = tuple(
            size if size in kept.get(layer, ()) or size == 3 else size // 2 for size in channels
        )
        assert tuple(half[name].shape[:2]) == expected, name


@torch.no_grad()
def test_thinnest_network_keeps_a_channel_everywhere():
    network = GoogLeNet(VARIANTS["small"], 3, width=1e-6).eval()
    assert network.conv1.conv.out_channels == 1
    assert network(pictures(2, 32)).shape == (2, 3)


# ---- normalisation -------------------------------------------------------------------------------


@torch.no_grad()
def test_transform_input_recentres_imagenet_statistics():
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    network = narrow("small", transform_input=True)
    recentred = network((pixels - mean) / std)
    network.transform_input = False
    assert error(recentred, network((pixels - 0.5) / 0.5)) < 1e-4
    assert error(recentred, network((pixels - mean) / std)) > 0.01


# ---- other classes -------------------------------------------------------------------------------


@pytest.mark.parametrize("heads", [True, False])
def test_replace_classifier_keeps_everything_else_bit_for_bit(own, heads):
    if not heads:
        own.remove_heads()
    before = copy.deepcopy(own.state_dict())
    assert own.replace_classifier(7) is own
    assert own.num_classes == 7
    layers = ["fc", "aux1.fc2", "aux2.fc2"] if heads else ["fc"]
    replaced = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    assert set(before) == set(own.state_dict())
    for name, tensor in own.state_dict().items():
        if name in replaced:
            assert len(tensor) == 7, name
        else:
            assert torch.equal(tensor, before[name]), name
    with torch.no_grad():
        for logits in own.all_outputs(pictures(2, 32)):
            assert logits is None or logits.shape == (2, 7)


def test_new_classifier_is_drawn_as_the_variant_says(own):
    own.variant = replace(own.variant, init="normal")
    own.replace_classifier(1000)
    for layer in (own.fc, own.aux1.fc2, own.aux2.fc2):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert not layer.bias.any()


def test_new_classifier_has_the_old_ones_dtype(own):
    own.double().replace_classifier(4)
    assert own(pictures(2, 32).double()).dtype == torch.float64


@torch.no_grad()
def test_remove_heads_changes_nothing_but_the_heads(own):
    x = pictures(2, 32)
    before, logits = parameters(own), own(x)
    of_heads = parameters(own.aux1) + parameters(own.aux2)
    assert own.remove_heads() is own
    assert parameters(own) == before - of_heads
    assert torch.equal(own(x), logits)
    assert own.train()(x)[1:] == (None, None)


# ---- other layouts and precisions ----------------------------------------------------------------


@pytest.mark.parametrize("name", VARIANTS)
@torch.no_grad()
def test_channels_last_gives_the_same(name):
    network = narrow(name, heads=name != "paper")
    x = pictures(2, 48)
    expected = network.all_outputs(x)
    network.to(memory_format=torch.channels_last)
    outputs = network.all_outputs(x.to(memory_format=torch.channels_last))
    for logits, wanted in zip(outputs, expected, strict=True):
        assert wanted is None or error(logits, wanted) < 1e-4


@pytest.mark.parametrize("name", VARIANTS)
@torch.no_grad()
def test_bfloat16_stays_within_3_percent(name):
    network = narrow(name, heads=name != "paper")
    x = pictures(2, 48)
    expected = network.all_outputs(x)
    with Precision("bfloat16", torch.device("cpu")).autocast():
        outputs = network.all_outputs(x)
    for logits, wanted in zip(outputs, expected, strict=True):
        if wanted is not None:
            assert logits.dtype == torch.bfloat16
            assert 0 < error(logits.float(), wanted) < 0.03


# ---- what it refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "parts"),
    [
        (pictures(1, 32)[0], ["(3, 32, 32)", "(N, 3, height, width)", "x[None]"]),
        (pictures(2, 32)[:, :1], ["(2, 1, 32, 32)", "(N, 3, height, width)"]),
        (pictures(2, 32).permute(0, 2, 3, 1), ["(2, 32, 32, 3)", "(N, 3, height, width)"]),
        (pictures(2, 32)[None], ["(1, 2, 3, 32, 32)", "(N, 3, height, width)"]),
        (pictures(2, 7), ["7x7", "'small'", "8x8"]),
        (pictures(2, 32).to(torch.uint8), ["torch.uint8", "floating point", "x.float() / 255"]),
        (pictures(2, 32).long(), ["torch.int64", "floating point", "x.float() / 255"]),
        (pictures(2, 32).double(), ["torch.float64", "torch.float32", "x.float()"]),
    ],
    ids=["one picture", "grey", "channels last", "5-D", "tiny", "uint8", "int64", "float64"],
)
def test_bad_pictures_are_refused(own, bad, parts):
    for outputs in (own.train(), own.all_outputs, own.eval()):
        with pytest.raises(UsageError) as refusal:
            outputs(bad)
        assert all(part in str(refusal.value) for part in parts)


@pytest.mark.parametrize("classes", [0, "10", True])
def test_bad_class_counts_are_refused(own, classes):
    expected = rf"num_classes came as {classes!r}; expected a whole number from 1"
    with pytest.raises(UsageError, match=expected):
        GoogLeNet(VARIANTS["small"], classes, width=0.1)
    with pytest.raises(UsageError, match=expected):
        own.replace_classifier(classes)
    assert own.num_classes == 10


def test_reductions_alone_are_scaled_by_their_own_factor():
    plain = GoogLeNet(VARIANTS["small"], 10)
    wider = GoogLeNet(replace(VARIANTS["small"], reduction=2.0), 10)
    for name, expected in plain.named_parameters():
        found, what = wider.get_parameter(name).shape, f"{name}: {tuple(expected.shape)}"
        reduces = ".branch2.0." in name or ".branch3.0." in name
        reads = (".branch2.1." in name or ".branch3.1." in name) and name.endswith("conv.weight")
        assert found[0] == expected.shape[0] * (2 if reduces else 1), what
        if len(found) > 1:
            assert found[1] == expected.shape[1] * (2 if reads else 1), what


@pytest.mark.parametrize("width", [0, "0.5", float("nan")])
def test_bad_widths_are_refused(width):
    with pytest.raises(UsageError, match=rf"width came as {width!r}; expected a factor above 0"):
        GoogLeNet(VARIANTS["small"], 10, width=width)


def test_a_name_where_a_variant_belongs_is_refused_with_the_way_to_it():
    with pytest.raises(
        UsageError, match=r"variant came as 'paper'; expected a Variant: googlenet\('"
    ):
        GoogLeNet("paper")
