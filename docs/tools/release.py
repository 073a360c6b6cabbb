"""Commit a trained network: its weights in float16, and the record of its run beside them.

    python docs/tools/release.py runs/fast-60min-1 cifar10 --data data/cifar10

For maintainers. The accuracy of the rounded weights is measured, not supposed.
"""

import argparse
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

from googlenet_lib.data import Batches, Data, load
from googlenet_lib.errors import UsageError
from googlenet_lib.network.pretrained import load_network
from googlenet_lib.network.weights import COMMITTED, read_weights, round_to_half, weights_to_bytes
from googlenet_lib.training.checkpoint import BEST, RUN_FILE, clear_unfinished, write_atomically
from googlenet_lib.training.loop import EVALUATION_BATCH, evaluate
from googlenet_lib.training.run import RECORDED, Run, read_run

MOST_BYTES = 25_000_000  # of a committed file


def release(folder: Path, name: str, data: Data, *, weights: Path, runs: Path) -> Run:
    """Round the best weights of the run in `folder`, measure them on `data`, write both files.

    The weights go to `weights/NAME.safetensors`, the run to `runs/`, under its folder's name; a
    run there whose weights had this name no longer claims them.
    Raises UsageError where `data` is not what the run was trained on, or the file is too large.
    """
    run = read_run(folder / RUN_FILE)
    if run.data_checksum != data.checksum:
        raise UsageError(
            f"{folder} was trained on {run.data} ({run.data_checksum[:12]}), but {data.name} "
            f"({data.checksum[:12]}) came; give --data the same pictures"
        )
    tensors, info = read_weights(folder / BEST)
    content = weights_to_bytes(round_to_half(tensors), info)
    if len(content) > MOST_BYTES:
        raise UsageError(
            f"the weights of {folder} take {len(content):,} bytes; expected at most {MOST_BYTES:,}"
        )
    path, record = weights / f"{name}.safetensors", runs / f"{folder.name}.json"
    for place, kind in ((weights, path.name), (runs, "*.json")):
        place.mkdir(parents=True, exist_ok=True)
        clear_unfinished(place, kind)
    # First nobody claims the name, then it is given away, then claimed: a kill in between leaves
    # weights without a record, which releasing them again mends, and no record of other weights.
    for former in runs.glob("*.json"):
        claim = read_run(former)
        if claim.weights == name:
            replace(claim, weights="", weights_sha256="", test_accuracy_rounded=None).save(former)
    write_atomically(path, content)
    batches = Batches(data.test, EVALUATION_BATCH, mean=info.mean, std=info.std)
    accuracy = evaluate(load_network(path)[0], batches).accuracy
    digest = hashlib.sha256(content).hexdigest()
    run = replace(run, weights=name, weights_sha256=digest, test_accuracy_rounded=accuracy)
    run.save(record)
    return run


def main(arguments: list[str] | None = None) -> int:
    """Release one run from the command line."""
    parser = argparse.ArgumentParser(prog="python docs/tools/release.py", description=__doc__)
    parser.add_argument("run", type=Path, help="the folder of a finished run")
    parser.add_argument("name", help="what weights=... will call it")
    parser.add_argument("--data", required=True, help="what it was trained on")
    options = parser.parse_args(arguments)
    try:
        data = load(options.data)
        run = release(options.run, options.name, data, weights=COMMITTED, runs=Path(str(RECORDED)))
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(
        f"{options.name}: test accuracy {run.test_accuracy:.4f} as trained, "
        f"{run.test_accuracy_rounded:.4f} rounded to float16"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
