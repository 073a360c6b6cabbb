"""Break the library on purpose, one change at a time, and see that the tests of its room notice.

    python tests/slow/mutations.py [PART-OF-A-FILE'S-NAME ...]

Each mutation is made in a copy of the working tree, where the tests of its room run until the
first failure. Mutations that no test notices are listed at the end, and the exit status is 1.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
COPIED = (
    *("googlenet_lib", "tests", "notebooks", "images", "docs"),
    *("conftest.py", "pyproject.toml", "requirements.txt", "README.md", "CITATION.cff"),
)


class Mutation(NamedTuple):
    """A text that stands once in a file of the library, and what takes its place."""

    file: str
    old: str
    new: str


MUTATIONS = (
    # the network
    Mutation(
        "network/table1.py", "Widths(64, 96, 128, 16, 32, 32)", "Widths(64, 96, 128, 16, 32, 33)"
    ),
    Mutation(
        "network/table1.py", "if ceil_mode and steps * stride >= size + padding:", "if False:"
    ),
    Mutation(
        "network/table1.py", "kernel**2 + bias * out_channels", "kernel**2 + bias * in_channels"
    ),
    Mutation(
        "network/table1.py", "return field + (kernel - 1) * jump,", "return field + kernel * jump,"
    ),
    Mutation("network/count.py", "module.weight[0].numel()", "module.weight.numel()"),
    Mutation(
        "network/blocks.py",
        "MaxPool2d(kernel_size=3, stride=1, padding=1),\n            conv",
        "AvgPool2d(kernel_size=3, stride=1, padding=1),\n            conv",
    ),
    Mutation("network/blocks.py", "return self.fc2(self.dropout(x))", "return self.fc2(x)"),
    Mutation(
        "network/variants.py", "eps=1e-3,\n    conv_bias=False", "eps=1e-5,\n    conv_bias=False"
    ),
    Mutation("network/googlenet.py", "(logits, aux2, aux1)", "(logits, aux1, aux2)"),
    Mutation("network/googlenet.py", "stride=2, ceil_mode=True", "stride=2, ceil_mode=False"),
    Mutation("network/googlenet.py", "(0.224 / 0.5)", "(0.225 / 0.5)"),
    Mutation("network/initialisation.py", 'nonlinearity="relu"', 'nonlinearity="linear"'),
    Mutation("network/pretrained.py", "retrieve(url, IMAGENET_SHA256,", "retrieve(url, None,"),
    Mutation(
        "network/fuse.py",
        "self.conv_3x3(reduced_3x3),\n            self.conv_5x5(reduced_5x5),",
        "self.conv_5x5(reduced_5x5),\n            self.conv_3x3(reduced_3x3),",
    ),
    # the data
    Mutation("data/batches.py", "sizes[-1] += rest", "pass"),
    Mutation("data/batches.py", "yield which[own],", "yield which,"),
    Mutation("data/augment.py", "index.abs()", "index"),
    Mutation("data/imageset.py", "everything[order[:-count]]", "everything[order]"),
    Mutation("data/shapes.py", "light = 0.65 + 0.35 *", "light = 0.35 *"),
    # the training
    Mutation("training/loop.py", "total + weight * cross_entropy(", "total + cross_entropy("),
    Mutation("training/loop.py", 'self.order.set_state(state["order"].cpu())', "pass"),
    Mutation("training/loop.py", "if not math.isfinite(loss):", "if False:"),
    Mutation("training/loop.py", "self.scheduler.step()", "pass"),
    Mutation("training/optim.py", ', "weight_decay": 0.0}', "}"),
    Mutation("training/optim.py", "min(decay, (1 + update) / (10 + update))", "decay"),
    Mutation("training/optim.py", "+ c * square @ square)", ")"),
    Mutation(
        "training/checkpoint.py", "if known not in (None, ", "if False and known not in (None, "
    ),
    Mutation("training/checkpoint.py", "temporary.replace(path)", "path.write_bytes(content)"),
    # what the lessons share
    Mutation("course/kit/checking.py", "return depth < DEEPEST and any(", "return any("),
    Mutation("course/kit/checking.py", "if not wrong and changed:", "if False:"),
    Mutation("course/kit/comparing.py", "if result.dtype != expected.dtype:", "if False:"),
    Mutation("course/kit/running.py", "put(value)", "pass"),
    Mutation("course/kit/show.py", "indices[numbers == number] = index", "pass"),
    Mutation("course/kit/seeds.py", "{mean(values):.1%}", "{max(values):.1%}"),
    Mutation("course/kit/learner.py", "new.counts = old.counts if old else False", "pass"),
    # the lessons
    Mutation(
        "course/nb01/receptive_fields.py",
        "return gradient.abs().mean((0, 1))",
        "return gradient.mean((0, 1)).abs()",
    ),
    Mutation("course/nb02/bottleneck.py", "reduction * self.size**2", "reduction * self.size"),
    Mutation("course/nb03/tower.py", '["pool"] = in_channels', '["pool"] = 0'),
    Mutation("course/nb03/design.py", "count * place.size**2", "count * place.size"),
    Mutation("course/nb04/table.py", "in_channels = cost.shape[0]", "pass"),
    Mutation("course/nb05/gradients.py", "+ at_4a * at_4d * g12", ""),
    Mutation("course/nb05/gradients.json", "0.0070194", "0.0090194"),
    Mutation("course/nb07/charts.py", "math.log((1 - sure) / (classes - 1))", "math.log(1 - sure)"),
    # the rest
    Mutation("settings.py", '"0": False', '"0": True'),
    Mutation("prediction.py", "bleed=info.border", "bleed=0"),
)


def main(words: list[str]) -> int:
    """Try the mutations whose file holds one of `words`, or all; 1 if one was not noticed."""
    chosen = [m for m in MUTATIONS if not words or any(word in m.file for word in words)]
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copy / name)
            else:
                shutil.copy(ROOT / name, copy)
        asked = {path: None for mutation in chosen for path in tests_of(mutation.file, copy)}
        if not passes([*asked], copy):
            raise SystemExit("tests fail before anything is broken: mend them first")
        for mutation in chosen:
            start = time.perf_counter()
            noticed = is_noticed(mutation, copy)
            missed += [] if noticed else [mutation]
            verdict = "noticed" if noticed else "NOT NOTICED"
            seconds = time.perf_counter() - start
            print(f"{verdict} in {seconds:.0f} s: {mutation.file}: {mutation.old!r}", flush=True)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} mutations were noticed")
    return bool(missed)


def is_noticed(mutation: Mutation, copy: Path) -> bool:
    """Make the mutation in `copy`, and see whether the tests of its room fail there."""
    path = copy / "googlenet_lib" / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.file} holds {mutation.old!r} {text.count(mutation.old)} times")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        return not passes(tests_of(mutation.file, copy), copy)
    finally:
        path.write_text(text, encoding="utf-8")


def passes(tests: list[str], copy: Path) -> bool:
    """Run tests of `copy` until the first failure."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", *tests],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode not in (0, 1, 2):  # 2: a file could not even be imported
        raise SystemExit(done.stdout + done.stderr)
    return done.returncode == 0


def tests_of(file: str, copy: Path) -> list[str]:
    """Return the tests of the room, or those of a lesson and of what all lessons share."""
    room, *rest = file.split("/")
    if not rest:
        return [f"tests/test_{file}"]
    if room != "course":
        return [f"tests/{room}"]
    folder = copy / "tests" / "course"
    of_lesson, shared = (sorted(folder.glob(f"test_{p}.py")) for p in (f"{rest[0]}*", "[!n]*"))
    return [str(path) for path in (*of_lesson, *shared)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
