"""Write what docs/measurements.md and the README say of the recorded runs.

    python docs/tools/measurements.py

What the page says with a number is written here too, so that it cannot differ from the records.
"""

import json
import math
import runpy
from collections.abc import Sequence
from functools import cache
from statistics import mean, stdev

from blocks import ROOT, drawing, refresh, table
from records import Record, read_groups
from scipy import stats

from googlenet_lib.course.kit.statistics import compare_means
from googlenet_lib.training.recipes import CLASSROOM_PUBLISHED
from googlenet_lib.training.run import find_run, list_runs

README, PAGE = ROOT / "README.md", ROOT / "docs" / "measurements.md"
BENCHMARKS = ROOT / "tests" / "slow" / "benchmarks"
SEEDS = ("time_to_published_2", "time_to_accuracy", "time_to_published_1")  # whose minutes count
RUNS = {name: find_run(name) for name in list_runs()}
GROUPS = read_groups(RUNS)
WALKTHROUGH = (
    "https://github.com/rohan-paul/MachineLearning-DeepLearning-Code-for-my-YouTube-Channel/tree/"
    "master/Computer_Vision/57-GoogLeNet_Inception-v1_From_Scratch_PyTorch"
)
TRAINING_IMAGES = 45_000  # of CIFAR-10, without those held back for validation
# families of whole trainings, which have a row for each run
LONG = ("classroom", "small", "batch128", "fast", "shapes")


def percent(shares: Sequence[float]) -> str:
    """Return the mean of some shares in percent, with the least and the most of several."""
    text = f"{mean(shares):.1%}"
    return text if len(shares) == 1 else f"{text} ({min(shares):.1%} to {max(shares):.1%})"


def tell_epochs(run: Record) -> str:
    """Return what a run saw, such as "4 × 41,000"."""
    return f"{run.epochs} × {run.training_pictures:,}"


def long_runs() -> str:
    """List every whole training."""
    runs = [run for group in GROUPS if group.split("-")[0] in LONG for run in GROUPS[group]]
    rows = [
        [
            f"`{run.name}`",
            f"`{run.recipe}`, `{run.variant}`",
            tell_epochs(run),
            f"{run.best_epoch}",
            f"{run.test_accuracy:.2%}",
            f"{run.test_accuracy_last:.2%}",
            f"{run.seconds / 60:.0f}",
            run.device.removeprefix("CPU, ").partition(" thread")[0],
        ]
        for run in runs
    ]
    head = ["run", "recipe, network", "epochs × images", "best epoch", "its test accuracy"]
    more = ["the last epoch's", "minutes", "threads"]
    (processor,) = {run.device.partition(" (")[2].rstrip(")") for run in runs}
    torch, data = {run.torch for run in runs}, dict.fromkeys(run.data for run in runs)
    return (
        f"{table([*head, *more], rows)}\n\n"
        f"Data: {' or '.join(data)}. All ran on a CPU ({processor}) with torch "
        f"{' or '.join(sorted(torch))}, from {min(run.date for run in runs)} to "
        f"{max(run.date for run in runs)}."
    )


def short_runs() -> dict[str, str]:
    """List the groups of short runs, a table for each family, by the family's name."""
    head = ["runs", "seeds", "epochs × images", "validation accuracy", "test accuracy"]
    rows: dict[str, list[list[str]]] = {}
    for group, runs in GROUPS.items():
        family = group.split("-")[0]
        if family in (*LONG, "try", "hour"):
            continue
        accuracies = (
            [getattr(r, f"{side}_accuracy") for r in runs] for side in ("validation", "test")
        )
        cells = [f"`{group}`", f"{len(runs)}", tell_epochs(runs[0]), *map(percent, accuracies)]
        rows.setdefault(family, []).append(cells)
    return {family: table(head, found) for family, found in rows.items()}


def tell_classroom() -> str:
    """Compare the walkthrough's recipe with the accuracy that its author publishes."""
    runs = GROUPS["classroom"]
    best, last = ([getattr(r, f"test_accuracy{s}") for r in runs] for s in ("", "_last"))
    return (
        f"The walkthrough that `classroom` follows publishes a test accuracy of "
        f"{CLASSROOM_PUBLISHED:.2%}, on the original images and a GPU. Here the best epochs of "
        f"{len(runs)} seeds give {min(best):.2%} to {max(best):.2%}, and their last epochs "
        f"{min(last):.2%} to {max(last):.2%}."
    )


def tell_hours() -> str:
    """Say what `small` reaches in ten minutes and in an hour of two cores, by two recipes."""
    lines = []
    for time, said in (("10min", "ten minutes"), ("60min", "an hour")):
        (quick,), fast = GROUPS[f"small-{time}"], GROUPS[f"fast-{time}"]
        average = mean(run.test_accuracy for run in fast)
        flips = [run.test_accuracy_flips for run in fast]
        gain = 100 * (average - quick.test_accuracy)
        lines.append(
            f"- **Epochs for {said} on two cores.** Recipe `quick` (`small-{time}-0`, one seed) "
            f"reaches {quick.test_accuracy:.2%} with {tell_epochs(quick)} images. Recipe `fast` "
            f"reaches a mean of {average:.2%} over {len(fast)} seeds with {tell_epochs(fast[0])} "
            f"images, {gain:.1f} points more than that one seed. With predictions averaged over "
            f"each image and its mirror image, the mean is {mean(flips):.2%}."
        )
    hour = GROUPS["fast-60min"]
    seen = mean(run.train_accuracy for run in hour)
    unseen = mean(run.validation_accuracy_last for run in hour)
    lines.append(
        f"- **In the last epoch of the hour** of `fast`, {seen:.0%} of the training images, "
        "mirrored and shifted, were classified correctly while the network still learned from "
        f"them. After it, {unseen:.0%} of those held back for validation were."
    )
    return "\n".join(lines)


def tell_result() -> str:
    """Say in a few lines what the course reaches, with what a reader must know of it."""
    hour = GROUPS["fast-60min"]
    average = mean(run.test_accuracy for run in hour)
    alone = mean(run.seconds for run in hour) / 60
    (ten,) = (run for run in GROUPS["fast-10min"] if "2 threads" in run.device)
    images, fewer = (run.epochs * run.training_pictures for run in (hour[0], ten))
    both = round(ten.seconds / 60 * images / fewer, -1)
    target, (first, *others) = first_at_published()
    ours, theirs = (look["seconds"] / 60 for look in first)
    return (
        "`small`, a network of GoogLeNet's modules for small images, reaches a test accuracy of "
        f"**{average:.1%} on CIFAR-10** (mean of {len(hour)} seeds). The training took {alone:.0f} "
        "minutes on one CPU core. At the pace of a shorter training, two cores take **about "
        f"{both:.0f} minutes**. A training of one epoch is **at {target:.1%} after {ours:.1f} "
        "minutes**, measured on validation images. That is the accuracy that a "
        f"[popular walkthrough]({WALKTHROUGH}) publishes. The walkthrough's own way of training "
        f"took {theirs:.1f} minutes to get there on the same cores (one training each; "
        f"{len(others)} more seeds needed about as many images). We trained "
        "on a copy of CIFAR-10 that was saved again as JPEG, which makes accuracies a little "
        "lower, and nothing was measured on a GPU: [all measurements](docs/measurements.md)."
    )


def weights() -> str:
    """List the weights that come with the library."""
    rows = [
        [f'`weights="{run.weights}"`', f"`{name}`", f"{run.test_accuracy_rounded:.2%}"]
        for name, run in RUNS.items()
        if run.weights
    ]
    return table(["weights", "from run", "test accuracy, weights rounded to float16"], rows)


@cache
def read_report(name: str) -> dict:
    """Read what a benchmark saved."""
    return json.loads((BENCHMARKS / f"{name}.json").read_text(encoding="utf-8"))


def read_steps(name: str) -> dict[str, dict]:
    """Read what a benchmark saved of each way, by the way's name."""
    return {way["way"]: way for way in read_report(name)["ways"]}


def times(way: dict) -> str:
    """Return how many times as fast as the first a way is, with the least and the most."""
    return f"{way['ratio']:.2f} ({way['least']:.2f} to {way['most']:.2f})"


def step_times() -> str:
    """Return the table of what a training step takes, and what it says."""
    program = runpy.run_path(str(BENCHMARKS / "training_step.py"))
    report = read_report("training_step")
    ways, narrow = read_steps("training_step"), read_steps("training_step_avx2")
    recipe = "ours, float32 (the recipe)"
    waiting = max(way["waiting"] for name, way in ways.items() if name.startswith("ours"))
    return (
        f"{program['table'](report)}\n\nWith the same network and in float32, ours trains on "
        f"{times(ways[recipe])} times as many images a second as the walkthrough's way. In "
        f"bfloat16 it trains on {times(ways['ours, fastest precision'])} times as many. It waits "
        f"for data for at most {waiting:.1%} of a step. On the processor of the next table, told "
        f"to do without AVX-512, ours in float32 trains on {times(narrow[recipe])} times as many "
        "as the walkthrough's way under the same order. The machines were shared: see how far the "
        "lowest and the highest ratio lie apart."
    )


def tell_cpu_steps() -> str:
    """List what could make a step faster on a CPU, with and without AVX-512."""
    reports = [read_report("cpu_step"), read_report("cpu_step_avx2")]
    rows = [
        [
            way["way"],
            way["precision"],
            report["device"].partition("(")[2].rstrip(")"),
            f"{way['pictures/s']:,.0f}",
            times(way),
        ]
        for report in reports
        for way in report["ways"]
    ]
    head = ["step", "precision", "processor", "images a second", "times the step as it is"]
    first, best = reports[0], max(way["ratio"] for report in reports for way in report["ways"])
    ways = read_steps("training_step")
    half = ways["ours, fastest precision"]["of peak"]
    full = ways["ours, float32 (the recipe)"]["of peak"]
    compiled = ", ".join(
        f"{way['first_without_cache']:.0f} s in {way['precision']}"
        for way in first["ways"]
        if "first_without_cache" in way
    )
    return (
        f"{table(head, rows)}\n\n{first['rounds']} rounds of "
        f"{first['steps']} steps, network `classroom`, batch {first['batch']}, images of "
        f"{first['size']}x{first['size']}, {first['device'].partition(' (')[0]}, torch "
        f"{first['versions']['torch']}, {first['date'][:10]}. AVX2 is the same processor, told to "
        "do without AVX-512. There, `torch.compile` of the network fails at its first step. Where "
        f"it works, its first step takes long ({compiled}), or a few seconds if an earlier process "
        f"has left its files.\n\nThe best gains {best - 1:.0%}, so none was kept. By the table "
        f"before this one, the recipe's step in float32 makes {full:.0%} of the multiply-adds that "
        "a large matrix product makes in the same time. If nothing but such products took time, "
        f"it would be {1 / full:.1f} times as fast. In bfloat16 ({half:.0%}) more is left, and "
        "these ways do not reach it."
    )


def first_look(way: dict, target: float) -> dict | None:
    """Return the first look at a way of training that shows an accuracy of `target`, or None."""
    return next((look for look in way["looks"] if look["accuracy"] >= target), None)


def tell_look(look: dict | None) -> str:
    """Return the minutes, and the multiply-adds in 10¹², until a look; a dash for none."""
    if look is None:
        return "–"
    return f"{look['seconds'] / 60:.1f} ({look['macs'] / 1e12:.0f})"


def tell_time_to_accuracy() -> str:
    """List how soon each way of training reaches each accuracy."""
    report = read_report("time_to_accuracy")
    rows = [
        [
            way["way"],
            f"{way['images'] / way['seconds']:,.0f}",
            f"{way['images'] / TRAINING_IMAGES:.1f}",
            f"{way['seconds'] / 60:.1f}",
            *(tell_look(first_look(way, target)) for target in report["targets"]),
            f"{max(look['accuracy'] for look in way['looks']):.1%}" if way["looks"] else "–",
        ]
        for way in report["ways"]
    ]
    head = ["way", "images a second", "epochs", "minutes", *map("{:.1%}".format, report["targets"])]
    return (
        f"{compare_with_the_walkthrough()}\n\n"
        f"{drawing('time_to_accuracy.svg')}\n\n"
        "The table has a column for each accuracy: the minutes until it was first seen, and in "
        "brackets the multiply-adds of training until then, in 10¹² (a forward pass times three). "
        "A dash: it was not seen in the epochs that the row says.\n\n"
        f"{table([*head, 'highest'], rows)}\n\n"
        f"{report['machine']}; {report['data']}, {TRAINING_IMAGES:,} training images; "
        f"{report['date'][:10]}.\n\n{tell_limits()}"
    )


def first_at_published() -> tuple[float, list[tuple[dict, dict]]]:
    """Return the accuracy that the walkthrough publishes, and the first looks that show it.

    For each seed these are a pair: that of `fast` with one epoch, and the walkthrough's. Of the
    first pair, the minutes count too.
    """
    target = read_report("time_to_accuracy")["targets"][1]
    ways = ("fast, 1 epoch", "walkthrough")
    return target, [tuple(first_look(read_steps(n)[way], target) for way in ways) for n in SEEDS]


def compare_with_the_walkthrough() -> str:
    """Say how much sooner recipe `fast` is at the accuracy that the walkthrough publishes."""
    target, pairs = first_at_published()
    ours, theirs = pairs[0]
    paces = [look["images"] / look["seconds"] for look in pairs[0]]
    ratios = [(slow["images"] / paces[1]) / (fast["images"] / paces[0]) for fast, slow in pairs]
    logs = [math.log(ratio) for ratio in ratios]
    half = stats.t.ppf(0.975, len(logs) - 1) * stdev(logs) / len(logs) ** 0.5
    low, middle, high = (math.exp(mean(logs) + part) for part in (-half, 0, half))

    def listed(values: Sequence[str]) -> str:
        return f"{', '.join(values[:-1])} and {values[-1]}"

    quick, slow = (
        listed([f"{look['images'] / TRAINING_IMAGES:.1f}" for look in looks])
        for looks in zip(*pairs, strict=True)
    )
    return (
        f"With a schedule of one epoch, `fast` is at {target:.1%}, the accuracy that the "
        f"walkthrough publishes, after {ours['seconds'] / 60:.1f} minutes. The walkthrough's way "
        f"is there after {theirs['seconds'] / 60:.1f} minutes: "
        f"{theirs['seconds'] / ours['seconds']:.1f} times as long. One lucky look at the "
        f"validation images is enough to be there, so both have {len(pairs)} seeds: `fast` needed "
        f"{quick} epochs, and the walkthrough's way {slow}. At the pace of the first, that is "
        f"{listed([f'{ratio:.1f}' for ratio in ratios])} times as long, on average {middle:.1f} "
        f"times (95%: {low:.1f} to {high:.1f}, for the chance of seeds alone). This project aimed "
        "at 10 times, and missed it.\n\nOnly the minutes of the first seed count. Of the other "
        "two, one shared the machine with other work, and one is the run below. In both, the "
        "walkthrough's images were read from files. The published accuracy is one of test images, "
        "after the training. And `fast, 1 epoch` is the quickest of our schedules, while the "
        "walkthrough has one."
    )


def minutes_of_the_others(ways: dict[str, dict]) -> float:
    """Return the most minutes that a way had, the walkthrough's aside."""
    return max(way["seconds"] for name, way in ways.items() if name != "walkthrough") / 60


def tell_limits() -> str:
    """Say what the table of times cannot show."""
    ways = read_steps("time_to_accuracy")
    full = ways["full resolution"]
    pace = full["images"] / full["seconds"]
    return (
        "The highest accuracy is the best of many looks at validation images, so the same training "
        "would show less on test images at its end.\n\n"
        "What this does not show: which way is the most accurate in the end. Apart from the "
        "walkthrough and the short schedules of `fast`, every way was stopped after about "
        f"{minutes_of_the_others(ways):.0f} minutes or before, when it could still become better. "
        f"`full resolution` was stopped after {full['images']:,} images, before its first look: at "
        f"{pace:.1f} images a second, one epoch takes {TRAINING_IMAGES / pace / 60:.0f} minutes."
    )


@cache
def read_changes() -> dict[str, str]:
    """Return what each change to `fast` was, by the change's name."""
    changes = runpy.run_path(str(BENCHMARKS / "tries.py"))["CHANGES"]
    return {name: change.says for name, change in changes.items()}


def least_shown(base: Sequence[float]) -> float:
    """Return the least difference that one seed more can show beside those of `base` (95%)."""
    return stats.t.ppf(0.975, len(base) - 1) * stdev(base) * (1 + 1 / len(base)) ** 0.5


def points_above(values: Sequence[float], base: Sequence[float]) -> str:
    """Return by how many points the mean of some shares is above that of others."""
    return f"{100 * (mean(values) - mean(base)):+z.1f}".replace("-", "−")


def tell_tries() -> str:
    """List what one change each did to `fast`, and say what one seed can show."""
    base = [run.validation_accuracy for run in GROUPS["try-base"]]
    least, rows, better, worse = least_shown(base), [], [], []
    for name, says in read_changes().items():
        values = [run.validation_accuracy for run in GROUPS.get(f"try-{name}", [])]
        if values:
            gain = points_above(values, base) if name != "base" else ""
            rows.append([f"`try-{name}`", says, f"{len(values)}", percent(values), gain])
            difference = mean(values) - mean(base)
            if abs(difference) > least:
                (better if difference > 0 else worse).append(f"`try-{name}`")
    head = ["runs", "change", "seeds", "validation accuracy", "points above the base"]
    return (
        f"If the base is trained with one more seed, it ends within {100 * least:.1f} points of "
        f"the mean of its {len(base)} seeds in 95% of cases. So a smaller difference shows "
        f"nothing.\n\n{table(head, rows)}\n\n"
        f"Better by more than that: {', '.join(better) or 'none'}. Worse by more than that: "
        f"{', '.join(worse) or 'none'}. With {len(rows) - 1} changes, about one such result can "
        "be expected by chance alone. Differences are worked out before rounding."
    )


def tell_hour_tries() -> str:
    """List what one change each did to an hour of `fast`, and say what one seed can show."""
    changes = read_changes()
    hours = {f"hour-{name}": says for name, says in changes.items() if f"hour-{name}" in GROUPS}
    names = {
        "batch128-60min": changes["base"],
        "fast-60min": changes["batch-256-0.1"],
        **hours,
    }
    base = [run.test_accuracy for run in GROUPS["batch128-60min"]]
    rows = []
    for name, says in names.items():
        runs = GROUPS[name]
        test = [run.test_accuracy for run in runs]
        accuracies = [
            f"{mean(run.train_accuracy for run in runs):.1%}",
            f"{mean(run.validation_accuracy for run in runs):.1%}",
            f"{mean(test):.1%}",
        ]
        gain = points_above(test, base) if name != "batch128-60min" else ""
        rows.append([f"`{name}`", says, f"{len(runs)}", *accuracies, gain])
    head = ["runs", "change", "seeds", "training images", "validation", "test", "points"]
    return (
        f"{table(head, rows)}\n\nThe last column says by how many points the test accuracy is "
        "above that of the first row. One seed more without a change would differ from the mean of "
        f"the {len(base)} by up to {100 * least_shown(base):.1f} points in 95% of cases."
    )


def tell_larger_batches() -> str:
    """Say what batches of 256 gain over batches of 128, in ten minutes and in an hour."""
    larger, smaller = (
        min(run.seconds / 60 / run.epochs for run in GROUPS[group] if "2 threads" in run.device)
        for group in ("fast-10min", "batch128-10min")
    )
    (newer,), (older,) = (
        {run.torch for time in ("10min", "60min") for run in GROUPS[f"{name}-{time}"]}
        for name in ("fast", "batch128")
    )
    return (
        f"- **Ten minutes.** {compare_batches('10min')} It comes from the larger batches and from "
        f"the fifth epoch together. On two cores, five epochs took {5 * larger:.1f} minutes with "
        f"batches of 256. With batches of 128 they would have taken {5 * smaller:.1f}, by the pace "
        f"of those runs.\n- **An hour.** {compare_batches('60min')}\n\nThe runs with batches of "
        f"128 also had another version of PyTorch ({older} instead of {newer})."
    )


def compare_batches(time: str) -> str:
    """Compare the test accuracies of both sizes of batch after one of the two times."""
    larger, smaller = GROUPS[f"fast-{time}"], GROUPS[f"batch128-{time}"]
    accuracies = [[run.test_accuracy for run in runs] for runs in (larger, smaller)]
    return (
        f"{len(larger)} seeds with batches of 256 ({tell_epochs(larger[0])} images) have a mean "
        f"test accuracy of {mean(accuracies[0]):.2%}, and {len(smaller)} with batches of 128 "
        f"({tell_epochs(smaller[0])} images) have {mean(accuracies[1]):.2%}. The difference is "
        f"{compare_means(*accuracies)}."
    )


def make_blocks() -> dict[str, str]:
    """Return the parts of the page by the names of their places."""
    return {
        "result": tell_result(),
        "runs": long_runs(),
        "classroom": f"{tell_classroom()}\n\n{drawing('classroom_curves.svg')}",
        "hours": tell_hours(),
        "weights": weights(),
        "accuracy_ladder": drawing("accuracy_ladder.svg"),
        "steps": step_times(),
        "cpu_steps": tell_cpu_steps(),
        "time_to_accuracy": tell_time_to_accuracy(),
        "tries": tell_tries(),
        "hour_tries": tell_hour_tries(),
        "larger_batches": tell_larger_batches(),
    } | short_runs()


def main() -> None:
    """Rewrite the page, and the README's line."""
    blocks = make_blocks()
    for page in (README, PAGE):
        text = refresh(page.read_text(encoding="utf-8"), blocks)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
