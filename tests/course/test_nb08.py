"""The gradients that lesson 08 draws."""

import torch

from googlenet_lib.course.nb08.gradients import EVERY, loss_of, make_network, sample_gradients
from googlenet_lib.network.blocks import ConvBlock
from googlenet_lib.network.variants import PAPER


def test_the_gradients_are_a_sample_of_those_of_every_block():
    network, outputs = make_network(PAPER), []
    for block in network.modules():
        if isinstance(block, ConvBlock):
            block.register_forward_hook(lambda block, inputs, output: outputs.append(output))
    gradients = torch.autograd.grad(loss_of(network), outputs)
    assert len(outputs) == 57  # all convolutions
    expected = torch.cat([gradient.flatten()[::EVERY] for gradient in gradients])
    found = sample_gradients(PAPER)
    torch.testing.assert_close(found.sort().values, expected.sort().values)
