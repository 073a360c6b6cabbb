"""The lessons' short training does what the same loop does when it is written out."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import StepLR

from googlenet_lib.course.kit.short_training import find_right, shuffle, train
from googlenet_lib.data import Batches, ImageSet
from googlenet_lib.network.googlenet import GoogLeNetOutput


class Heads(nn.Module):
    """Three linear classifiers after dropout; an auxiliary one is read by its own name."""

    def __init__(self):
        super().__init__()
        self.main, self.aux1, self.aux2 = (nn.Linear(48, 3) for _ in range(3))

    def forward(self, x):
        x = F.dropout(x.flatten(1), 0.5, self.training)
        return GoogLeNetOutput(self.main(x), aux_logits2=self.aux2(x), aux_logits1=self.aux1(x))


@pytest.fixture
def images():
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (20, 3, 4, 4), generator=draw, dtype=torch.uint8)
    return ImageSet(pixels, torch.randint(0, 3, (20,), generator=draw))


def test_steps_are_those_of_the_loop_written_out(images):
    torch.manual_seed(0)
    network = Heads()
    by_hand = copy.deepcopy(network)
    optimisers = [torch.optim.SGD(one.parameters(), lr=2.0) for one in (network, by_hand)]
    schedules = [StepLR(optimiser, 1, 0.5) for optimiser in optimisers]

    expected, batches = [], [*shuffle(images, 8, 3)]  # 8, 8 and 4 pictures; then another order
    torch.manual_seed(1)
    for pictures, labels in batches[:2]:
        outputs = by_hand(pictures)
        logits = (outputs.logits, outputs.aux_logits1, outputs.aux_logits2)
        main, aux1, aux2 = (F.cross_entropy(one, labels) for one in logits)
        optimisers[1].zero_grad()
        (main + 0.3 * (aux1 + aux2)).backward()
        nn.utils.clip_grad_norm_(by_hand.parameters(), 0.1)
        optimisers[1].step()
        schedules[1].step()
        expected.append([main.item(), aux1.item(), aux2.item()])

    torch.manual_seed(1)
    options = {"schedule": schedules[0], "head_weight": 0.3, "clip": 0.1}
    losses = train(network.eval(), shuffle(images, 8, 3), optimisers[0], 2, **options)
    assert [*losses] == expected
    for parameter, other in zip(network.parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(parameter, other)


def test_passes_follow_each_other_in_orders_that_the_seed_decides(images):
    batches = shuffle(images, 20, 3)
    first, second, again, other = (
        next(iter(one))[0]
        for one in (batches, batches, shuffle(images, 20, 3), shuffle(images, 20, 4))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


def test_right_answers_are_found_in_evaluation_mode(images):
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.99), nn.Linear(48, 3)).train()
    right = find_right(network, Batches(images, 8))
    pictures, labels = next(iter(Batches(images, 20)))
    assert torch.equal(right, network[2](pictures.flatten(1)).argmax(1) == labels)
