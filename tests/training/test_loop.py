"""The loop: loss and counts by hand, the same bits as a loop written out, the best epoch kept."""

import copy
import json
import math
from dataclasses import replace

import pytest
import torch
from samples import image_set, tiny_data
from torch.nn import functional as F
from trainings import Stopped, network, same_bits

from googlenet_lib import googlenet
from googlenet_lib.data import Augmentation, Batches
from googlenet_lib.errors import UsageError
from googlenet_lib.network.googlenet import GoogLeNet, GoogLeNetOutput
from googlenet_lib.network.variants import VARIANTS
from googlenet_lib.network.weights import read_weights
from googlenet_lib.training import loop as training
from googlenet_lib.training.checkpoint import BEST, HISTORY, LAST, load_checkpoint
from googlenet_lib.training.describe import describe_weights
from googlenet_lib.training.fit import fit, format_epoch
from googlenet_lib.training.loop import Diverged, Metrics, Tally, Trainer, combined_loss, evaluate
from googlenet_lib.training.optim import rate_factor
from googlenet_lib.training.parallel import Group
from googlenet_lib.training.recipes import CLASSROOM, QUICK
from googlenet_lib.training.run import find_best_epoch

CPU = torch.device("cpu")
SHORT = replace(CLASSROOM, epochs=3, batch_size=8)
EVERYTHING = replace(  # all that has a state of its own
    QUICK,
    epochs=4,
    batch_size=8,
    average_decay=0.9,
    lr=0.02,
    optimiser="muon",
    shift=1,
    precision="float32",
)
FEW = replace(tiny_data(), **dict.fromkeys(("train", "validation", "test"), image_set(12)))
BY_HEART = replace(CLASSROOM, epochs=40, batch_size=12, lr=0.01)


def quick_learner():
    """A network for a few pictures and steps: no dropout, BatchNorms that keep up."""
    torch.manual_seed(0)
    variant = replace(VARIANTS["small"], init="he", dropout=0.0, head_dropout=0.0)
    model = GoogLeNet(variant, 3, width=0.0625)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.5
    return model


def train(recipe=SHORT, data=None, model=None, **how):
    """A trained network and its result; silent."""
    model = model or network()
    how = {"device": "cpu", "report": lambda line: None} | how
    return model, fit(model, data or tiny_data(), recipe, **how)


def copied(model):
    return copy.deepcopy(model.state_dict())


# ---- the loss ------------------------------------------------------------------------------------

LOGITS = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
AUX2 = torch.tensor([[0.0, 0.0, 3.0], [1.0, 1.0, 1.0]])
AUX1 = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 4.0]])
LABELS = torch.tensor([0, 2])


def cross_entropy_by_hand(logits, smoothing=0.0):
    losses = []
    for row, label in zip(logits.tolist(), LABELS.tolist(), strict=True):
        normaliser = math.log(sum(math.exp(value) for value in row))
        each = [normaliser - value for value in row]
        losses.append((1 - smoothing) * each[label] + smoothing * sum(each) / len(each))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_heads_are_weighted_each_by_its_own(smoothing):
    outputs = GoogLeNetOutput(logits=LOGITS, aux_logits2=AUX2, aux_logits1=AUX1)
    total, main = combined_loss(outputs, LABELS, (0.3, 0.05), smoothing)  # aux1, aux2
    by_hand = [cross_entropy_by_hand(logits, smoothing) for logits in (LOGITS, AUX1, AUX2)]
    assert float(main) == pytest.approx(by_hand[0])
    assert float(total) == pytest.approx(by_hand[0] + 0.3 * by_hand[1] + 0.05 * by_hand[2])


# ---- counting ------------------------------------------------------------------------------------


def test_metrics_are_means_over_pictures_not_over_batches():
    tally = Tally()
    right = torch.tensor([[1.0, 0.0]])
    for count, loss, label in ((4, 1.0, 0), (1, 6.0, 1)):  # a short last batch, all of it wrong
        labels = torch.full((count,), label)
        tally.add(torch.tensor(loss), torch.tensor(loss / 2), right.expand(count, 2), labels)
    assert tally.metrics() == Metrics(
        loss=2.0, loss_main=1.0, accuracy=pytest.approx(0.8), top5=1.0
    )


def test_evaluation_by_hand():
    model = network().eval()
    images = image_set(7)
    got = evaluate(model, Batches(images, 5), (0.3, 0.1))
    pictures = (images.images.float() / 255 - 0.5) / 0.5
    with torch.no_grad():
        outputs = model.all_outputs(pictures)
    main, aux1, aux2 = (
        F.cross_entropy(logits, images.labels)
        for logits in (outputs.logits, outputs.aux_logits1, outputs.aux_logits2)
    )
    assert got.loss_main == pytest.approx(float(main), rel=1e-5)
    assert got.loss == pytest.approx(float(main + 0.3 * aux1 + 0.1 * aux2), rel=1e-5)
    hits = (outputs.logits.argmax(1) == images.labels).sum()
    assert got.accuracy == pytest.approx(int(hits) / 7)


def test_evaluation_leaves_no_trace_in_the_network():
    model = network().train()
    before = copied(model)
    batches = Batches(image_set(8), 4)
    followed = []  # by autograd
    model.fc.register_forward_hook(lambda _, __, output: followed.append(output.requires_grad))
    first = evaluate(model, batches)
    assert followed == [False, False]
    assert not model.training
    assert same_bits(model.state_dict(), before)  # BatchNorm's statistics among them
    assert all(parameter.grad is None for parameter in model.parameters())
    assert evaluate(model, batches) == first  # no dropout
    assert evaluate(model, Batches(image_set(8), 8)).accuracy == first.accuracy


def test_validation_knows_no_smoothing():
    histories = [
        train(replace(SHORT, epochs=1, lr=0.0, label_smoothing=s))[1].history for s in (0.0, 0.5)
    ]
    plain, smoothed = (history[0] for history in histories)
    assert smoothed["val_loss"] == plain["val_loss"]
    assert smoothed["train_loss"] != plain["train_loss"]


# ---- schedules and averages ----------------------------------------------------------------------


def test_the_optimiser_gets_the_rates_of_the_schedule():
    recipe = replace(QUICK, epochs=2, batch_size=8, lr=0.5, precision="float32")
    trainer = Trainer(network(), tiny_data(), recipe, seed=0, device=CPU)
    images, labels = next(iter(trainer.train_batches))
    steps = recipe.epochs * len(trainer.train_batches)
    for step in range(steps):
        expected = 0.5 * rate_factor(step, steps, recipe)
        assert trainer.optimiser.param_groups[0]["lr"] == pytest.approx(expected)
        trainer.step(images, labels)


def test_the_average_s_batchnorm_is_measured_on_training_pictures():
    """As update_bn does by hand; and nothing that draws is moved."""
    recipe = replace(SHORT, average_decay=0.9, lr=0.05, flip=True)
    trainer = Trainer(network(), tiny_data(), recipe, seed=0, device=CPU)
    trainer.train_epoch()
    by_hand = copy.deepcopy(trainer.average.module)
    order, draws = trainer.order.get_state(), torch.get_rng_state()
    torch.optim.swa_utils.update_bn((images for images, _ in trainer.train_batches), by_hand)
    trainer.order.set_state(order)
    torch.set_rng_state(draws)
    assert not same_bits(trainer.average.module.state_dict(), by_hand.state_dict())
    trainer.settle_average()
    assert same_bits(trainer.average.module.state_dict(), by_hand.state_dict())
    assert torch.equal(trainer.order.get_state(), order)
    assert torch.equal(torch.get_rng_state(), draws)


def test_pictures_are_small_at_first(monkeypatch):
    data = tiny_data(size=20)
    recipe = replace(SHORT, shrink=16, shrink_for=0.5, epochs=2, channels_last=True)
    trainer = Trainer(network(), data, recipe, seed=0, device=CPU)
    seen, step = [], trainer.step

    def watched(images, labels, size=None):
        assert images.is_contiguous(memory_format=torch.channels_last)
        seen.append(tuple(images.shape[2:]))
        return step(images, labels, size)

    monkeypatch.setattr(trainer, "step", watched)
    trainer.run_epoch()
    trainer.run_epoch()
    half = len(trainer.train_batches)
    assert seen == [(16, 16)] * half + [(20, 20)] * half
    assert [trainer.size_at(step) for step in (0, half - 1, half)] == [16, 16, 20]
    for shrink in (20, 21, 7):
        with pytest.raises(UsageError, match=f"shrink={shrink} came for pictures of 20 .* least 8"):
            Trainer(network(), data, replace(SHORT, shrink=shrink), seed=0, device=CPU)


def test_moving_average_is_what_is_evaluated_and_kept(tmp_path):
    recipe = replace(SHORT, epochs=1, average_decay=0.9, lr=0.01)
    model, result = train(recipe, out=tmp_path)
    averaged = {
        name.removeprefix("module."): tensor
        for name, tensor in load_checkpoint(tmp_path / LAST)["average"].items()
        if name != "n_averaged"
    }
    assert same_bits(model.state_dict(), averaged)
    assert same_bits(read_weights(tmp_path / BEST)[0], averaged)
    assert not same_bits(load_checkpoint(tmp_path / LAST)["model"], averaged)
    accuracy = evaluate(model, Batches(tiny_data().validation, 5)).accuracy
    assert result.history[-1]["val_accuracy"] == pytest.approx(accuracy)


# ---- training ------------------------------------------------------------------------------------


def test_a_loop_written_out_ends_with_the_same_bits():
    data, recipe = tiny_data(train=20), replace(CLASSROOM, epochs=2, batch_size=8)
    model, result = train(recipe, data, seed=5)

    by_hand = network().to(memory_format=torch.channels_last)
    torch.manual_seed(5)
    batches = Batches(
        data.train,
        8,
        shuffle=True,
        generator=torch.Generator().manual_seed(5),
        channels_last=True,
    )
    optimiser = torch.optim.Adam(by_hand.parameters(), lr=1e-3)
    for record in result.history:
        by_hand.train()
        correct, loss_sum = 0, 0.0
        for images, labels in batches:
            logits, aux2, aux1 = by_hand(images)
            loss = F.cross_entropy(logits, labels)
            loss = loss + 0.3 * F.cross_entropy(aux1, labels) + 0.3 * F.cross_entropy(aux2, labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            correct += int((logits.argmax(1) == labels).sum())
            loss_sum += loss.item() * len(labels)
        assert record["train_accuracy"] == pytest.approx(correct / 20)
        assert record["train_loss"] == pytest.approx(loss_sum / 20, rel=1e-5)
    assert same_bits(model.state_dict(), by_hand.state_dict())


def test_a_run_repeated_gives_the_same_bits_and_another_seed_others():
    recipe = replace(EVERYTHING, epochs=2)
    first, again, another = (train(recipe, seed=seed) for seed in (0, 0, 1))
    assert same_bits(first[0].state_dict(), again[0].state_dict())
    assert not same_bits(first[0].state_dict(), another[0].state_dict())

    def without_seconds(result):
        return [{k: v for k, v in record.items() if k != "seconds"} for record in result.history]

    assert without_seconds(first[1]) == without_seconds(again[1])
    assert first[1].test_accuracy == again[1].test_accuracy


def test_history_has_a_record_an_epoch():
    lines = []
    _, result = train(SHORT, report=lines.append)
    assert [(r["epoch"], r["lr"]) for r in result.history] == [(1, 1e-3), (2, 1e-3), (3, 1e-3)]
    assert json.loads(json.dumps(result.history)) == result.history
    assert lines == [format_epoch(record) for record in result.history]


def test_recipe_reaches_the_batches():
    recipe = replace(SHORT, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    trainer = Trainer(network(), tiny_data(), recipe, seed=0, device=CPU)
    (images, _), *_ = trainer.validation_batches
    expected = (tiny_data().validation.images.float() / 255).permute(0, 2, 3, 1)
    expected = ((expected - torch.tensor(recipe.mean)) / torch.tensor(recipe.std)).permute(
        0, 3, 1, 2
    )
    torch.testing.assert_close(images, expected)
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("mirrors", [True, False])
def test_augmentation_of_a_recipe_reaches_the_batches_and_no_digit_is_mirrored(mirrors):
    recipe = replace(SHORT, flip=True, shift=2, crop=0.25, colour=0.5)
    data = replace(tiny_data(), mirrors=mirrors)
    augment = Trainer(network(), data, recipe, seed=0, device=CPU).train_batches.augment
    assert augment == Augmentation(flip=mirrors, shift=2, crop=0.25, colour=0.5)


def test_bfloat16_trains_float32_weights():
    model, result = train(replace(SHORT, epochs=1, precision="bfloat16"))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert math.isfinite(result.history[0]["train_loss"])


def test_a_batch_in_parts_makes_the_same_step_as_a_whole_one():
    steps = []
    for parts in (1, 3):
        torch.manual_seed(0)
        without_norm = replace(
            VARIANTS["paper"],
            stem_kernel=3,
            stem_pools=(False, True),
            adaptive_head_pool=True,
            local_response_norm=False,
            dropout=0.0,
            head_dropout=0.0,
        )
        model = GoogLeNet(without_norm, 3, width=0.0625)
        recipe = replace(SHORT, batch_size=7, accumulate=parts, optimiser="sgd", lr=0.1, clip=1.0)
        trainer = Trainer(model, tiny_data(), recipe, seed=0, device=CPU)
        images = torch.randn(7, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        labels = torch.arange(7) % 3  # parts of 3, 2 and 2
        steps.append((*trainer.step(images, labels), copied(model)))
    for whole, parts in zip(*(step[:3] for step in steps), strict=True):
        torch.testing.assert_close(whole, parts)
    for name, weights in steps[0][3].items():
        torch.testing.assert_close(weights, steps[1][3][name])


@pytest.mark.parametrize(
    ("pictures", "accumulate", "processes", "parts"),
    [
        (9, 4, 1, [3, 2, 2, 2]),
        (3, 2, 1, [3]),
        (1, 2, 1, [1]),
        (9, 4, 2, [3, 2, 2, 2]),  # of 17; the other process has four parts of two
        (6, 4, 2, [3, 3]),  # of 11; the other has 2 and 3
    ],
)
def test_parts_of_a_batch_hold_two_pictures_and_are_as_many_for_each_worker(
    pictures, accumulate, processes, parts
):
    recipe = replace(SHORT, batch_size=20, accumulate=accumulate)
    trainer = Trainer(network(), tiny_data(size=16), recipe, seed=0, device=CPU)
    trainer.group = Group(0, processes)
    seen = []
    trainer.model.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    of = pictures if processes == 1 else 2 * pictures - 1
    trainer.step(torch.zeros(pictures, 3, 16, 16), torch.zeros(pictures, dtype=torch.int64), of)
    assert seen == parts


@pytest.mark.parametrize("size", [8, 16])  # the last maps of small are 1x1 and 2x2
@pytest.mark.parametrize(
    ("pictures", "batch_size", "accumulate"),
    [(1, 8, 1), (5, 1, 1), (5, 2, 1), (19, 9, 4)],
)
def test_batches_of_any_size_train_or_are_refused_before_the_first_step(
    size, pictures, batch_size, accumulate
):
    recipe = replace(
        SHORT, epochs=1, batch_size=batch_size, accumulate=accumulate, average_decay=0.9
    )
    data = tiny_data(pictures, 4, 4, size=size)
    if size == 8 and 1 in (pictures, batch_size):
        with pytest.raises(UsageError, match=r"expected at least 2 of both: .* are 1x1"):
            Trainer(network(), data, recipe, seed=0, device=CPU)
    else:
        _, result = train(recipe, data)
        assert math.isfinite(result.history[0]["train_loss"])


def test_long_gradients_are_clipped_and_short_ones_are_not():
    def length(clip):
        trainer = Trainer(network(), tiny_data(), replace(SHORT, clip=clip), seed=0, device=CPU)
        trainer.step(*next(iter(trainer.train_batches)))
        return torch.cat([p.grad.flatten() for p in trainer.model.parameters()]).norm().item()

    whole = length(0)
    assert length(whole / 2) == pytest.approx(whole / 2, rel=1e-4)
    assert length(whole * 2) == pytest.approx(whole, rel=1e-4)


def test_top_5_counts_labels_among_the_five_highest():
    logits = torch.arange(8.0).expand(4, 8)  # class 7 first, then 6, 5, 4, 3
    tally = Tally()
    tally.add(torch.tensor(0.0), torch.tensor(0.0), logits, torch.tensor([7, 3, 2, 0]))
    assert (tally.metrics().accuracy, tally.metrics().top5) == (0.25, 0.5)


def test_evaluation_with_flips_is_the_mean_of_a_picture_and_its_mirror():
    model, images = network().eval(), image_set(6)
    with torch.no_grad():
        model.fc.weight.mul_(1e4)  # an untrained network hardly tells one picture from another
    (batch,) = Batches(images, 6)
    with torch.no_grad():
        both = [model(batch[0]), model(batch[0].flip(3))]
    expected = F.cross_entropy((both[0] + both[1]) / 2, images.labels)
    got = evaluate(model, Batches(images, 6), flips=True)
    assert got.loss_main == pytest.approx(float(expected), rel=1e-5)
    assert got.loss_main != pytest.approx(evaluate(model, Batches(images, 6)).loss_main, rel=1e-5)
    without = googlenet("small", 3, width=0.0625, heads=False).eval()
    assert evaluate(without, Batches(images, 6), flips=True).top5 == 1.0


# ---- the best epoch ------------------------------------------------------------------------------


def scripted(monkeypatch, *accuracies):
    """Let the first evaluations, which validate, report these accuracies."""
    really_evaluate, left = training.evaluate, list(accuracies)

    def evaluate(*arguments, **how):
        metrics = really_evaluate(*arguments, **how)
        return replace(metrics, accuracy=left.pop(0)) if left else metrics

    monkeypatch.setattr(training, "evaluate", evaluate)


def test_best_epoch_is_the_first_of_equals():
    def history(*accuracies):
        return [{"epoch": n, "val_accuracy": a} for n, a in enumerate(accuracies, start=1)]

    assert find_best_epoch(history(0.5, 0.7, 0.7, 0.6)) == 2
    assert find_best_epoch(history(0.0)) == 1


def test_weights_of_the_best_epoch_are_kept(tmp_path, monkeypatch):
    scripted(monkeypatch, 0.5, 0.7, 0.7)
    model, after_epoch = network(), []
    train(model=model, out=tmp_path, report=lambda line: after_epoch.append(copied(model)))
    assert same_bits(read_weights(tmp_path / BEST)[0], after_epoch[1])
    assert same_bits(load_checkpoint(tmp_path / LAST)["best"], after_epoch[1])
    assert same_bits(load_checkpoint(tmp_path / LAST)["model"], after_epoch[2])


def test_best_and_last_are_each_tested_with_their_own_weights(monkeypatch):
    scripted(monkeypatch, 0.5, 0.7, *[0.6] * (BY_HEART.epochs - 2))
    model, after_epoch = quick_learner(), []
    _, result = train(BY_HEART, FEW, model, report=lambda line: after_epoch.append(copied(model)))
    assert result.best_epoch == 2
    assert same_bits(model.state_dict(), after_epoch[-1])
    accuracies = []
    for weights in (after_epoch[1], after_epoch[-1]):
        model.load_state_dict(weights)
        accuracies.append(evaluate(model, Batches(FEW.test, 12)).accuracy)
    assert accuracies == [result.test_accuracy, result.test_accuracy_last]
    assert accuracies[0] < 0.8 < accuracies[1] == 1.0  # they differ, or this would say nothing


def test_mirror_images_are_tested_where_training_saw_them(monkeypatch):
    scripted(monkeypatch, 0.5, 0.7, 0.6)
    data = replace(FEW, test=image_set(200, seed=1))
    after_epoch, model = [], quick_learner()
    recipe = replace(BY_HEART, epochs=3, flip=True)
    _, result = train(recipe, data, model, report=lambda line: after_epoch.append(copied(model)))
    model.load_state_dict(after_epoch[1])  # the best epoch
    plain, mirrored = (evaluate(model, Batches(data.test, 200), flips=f) for f in (False, True))
    assert plain.loss_main != mirrored.loss_main, "the mirror images count"
    assert result.test_accuracy == plain.accuracy
    assert result.test_accuracy_flips == mirrored.accuracy

    monkeypatch.undo()
    digits = replace(tiny_data(), mirrors=False)
    recipe = replace(SHORT, epochs=1, flip=True)
    assert train(recipe, digits)[1].test_accuracy_flips is None


def test_test_pictures_are_seen_once_training_has_ended(monkeypatch):
    seen, really_evaluate = [], training.evaluate

    def evaluate(model, batches, *rest, **how):
        seen.append(len(batches.labels))
        return really_evaluate(model, batches, *rest, **how)

    monkeypatch.setattr(training, "evaluate", evaluate)
    train(SHORT, tiny_data(validation=10, test=7))
    assert seen == [10, 10, 10, 7, 7]


# ---- going wrong ---------------------------------------------------------------------------------


def test_divergence_names_step_epoch_and_rate():
    # the first update ruins the weights; the second loss shows it, the third hides nothing
    recipe = replace(QUICK, epochs=2, batch_size=8, lr=1e30, precision="float32")
    rate = 1e30 * rate_factor(1, 6, recipe)
    with pytest.raises(Diverged) as error:
        train(recipe)
    text = str(error.value)
    assert text.startswith("the loss became nan at step 2 (epoch 1), ")
    assert f"at a rate of {rate:.4g}; a lower one, such as --set lr=0.1," in text
    assert text.endswith("No checkpoint had been written")


def test_divergence_is_found_in_the_middle_of_a_long_epoch(monkeypatch):
    steps = []
    really_step = Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda *args: (steps.append(1), really_step(*args))[1])
    recipe = replace(CLASSROOM, epochs=1, batch_size=2, lr=1e30)
    with pytest.raises(Diverged, match=r"at step 2 \(epoch 1\)"):
        train(recipe, tiny_data(train=60))
    assert len(steps) == training.CHECK_EVERY


def test_divergence_by_an_epoch_s_last_update_is_not_saved(tmp_path):
    recipe = replace(CLASSROOM, epochs=2, batch_size=24, lr=1e30)  # one step an epoch
    with pytest.raises(Diverged, match=r"at step 1 \(epoch 1\)"):
        train(recipe, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_divergence_leaves_the_epoch_before_intact(tmp_path):
    model, kept = network(), {}

    def ruin(line):
        if line.startswith("epoch   2"):
            kept.update({path.name: path.read_bytes() for path in tmp_path.glob("[!.]*")})
            torch.nn.init.constant_(model.fc.weight, math.nan)

    with pytest.raises(Diverged, match=r"at step 7 \(epoch 3\)") as error:
        train(replace(SHORT, epochs=4), model=model, out=tmp_path, report=ruin)
    assert str(error.value).endswith(f"checkpoint is {tmp_path / LAST}, after epoch 2")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept
    assert sorted(kept) == sorted([BEST, LAST, HISTORY])


# ---- stopping and going on -----------------------------------------------------------------------


def stopping_after(epochs):
    def report(line):
        if line.startswith(f"epoch {epochs:3d}"):
            raise Stopped

    return report


@pytest.mark.parametrize(
    "recipe", [replace(SHORT, epochs=4), EVERYTHING], ids=["classroom", "everything"]
)
def test_stopped_and_resumed_twice_ends_with_the_same_bits(tmp_path, recipe):
    whole, result = train(recipe, out=tmp_path / "whole")
    for epochs in (1, 3):
        with pytest.raises(Stopped):
            train(recipe, out=tmp_path / "parts", resume=True, report=stopping_after(epochs))
        torch.rand(7)  # what happens in between does not matter
    lines = []
    resumed, same_result = train(
        recipe,
        model=network(seed=9),
        out=tmp_path / "parts",
        resume=True,
        report=lines.append,
    )
    assert lines[0] == "going on after epoch 3 of 4"
    assert len(lines) == 2
    assert same_bits(resumed.state_dict(), whole.state_dict())
    assert same_result.test_accuracy == result.test_accuracy
    assert same_result.best_epoch == result.best_epoch
    first, second = (read_weights(tmp_path / run / BEST)[0] for run in ("whole", "parts"))
    assert same_bits(first, second)


def test_finished_run_resumed_changes_nothing(tmp_path):
    recipe = replace(EVERYTHING, epochs=1)
    model, result = train(recipe, out=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again, same_result = train(recipe, model=network(seed=9), out=tmp_path, resume=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert same_bits(again.state_dict(), model.state_dict())
    assert same_result == result


def test_kill_between_the_writes_is_mended(tmp_path):
    recipe = replace(SHORT, epochs=2)
    train(recipe, out=tmp_path / "whole")
    with pytest.raises(Stopped):
        train(recipe, out=tmp_path / "killed", report=stopping_after(2))
    # last.pt is written first: the two others may be missing, or of the epoch before
    (tmp_path / "killed" / BEST).write_bytes(b"of the epoch before")
    (tmp_path / "killed" / HISTORY).unlink()
    train(recipe, out=tmp_path / "killed", resume=True)
    whole, killed = (read_weights(tmp_path / run / BEST) for run in ("whole", "killed"))
    assert same_bits(whole[0], killed[0])
    assert whole[1] == killed[1]
    history = json.loads((tmp_path / "killed" / HISTORY).read_text(encoding="utf-8"))
    assert [record["epoch"] for record in history] == [1, 2]


def test_another_run_is_not_resumed(tmp_path):
    recipe = replace(SHORT, epochs=1)
    train(recipe, out=tmp_path)
    before = (tmp_path / LAST).read_bytes()
    for differing, change in (
        ("recipe.lr", {"recipe": replace(recipe, lr=0.5)}),
        ("seed", {"seed": 1}),
        ("heads", {"model": network(heads=False)}),
        ("data", {"data": replace(tiny_data(), checksum="another")}),
        ("training_pictures", {"data": tiny_data(train=20)}),
        ("training_side", {"data": replace(tiny_data(), train=image_set(24, seed=9))}),
    ):
        with pytest.raises(UsageError, match=f"belongs to another run, with .*{differing}="):
            train(**{"recipe": recipe} | change, out=tmp_path, resume=True)
        assert (tmp_path / LAST).read_bytes() == before


def test_weights_say_what_they_need(tmp_path):
    recipe = replace(SHORT, epochs=1, mean=(0.1, 0.2, 0.3))
    model, _ = train(recipe, model=network(heads=False, transform_input=True), out=tmp_path)
    info = read_weights(tmp_path / BEST)[1]
    assert info == describe_weights(model, tiny_data(), recipe)
    assert same_bits(googlenet("small", weights=tmp_path / BEST).state_dict(), model.state_dict())
