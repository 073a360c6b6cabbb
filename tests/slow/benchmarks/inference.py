"""Pictures a second in evaluation: as it is, channels_last, fused, in bfloat16, compiled.

    python tests/slow/benchmarks/inference.py [--variant torchvision] [--size 224] [--compile]

All forms hold the same weights and take turns; their outputs are compared before anything is
timed. --compile adds torch.compile with its default backend, which takes minutes to build on a CPU.
"""

import argparse
import copy
import statistics
import time

import torch

from googlenet_lib import googlenet
from googlenet_lib.device import DTYPES, describe_device, list_versions, pick_device, pick_precision
from googlenet_lib.network.fuse import fuse


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--variant", default="torchvision")
    options.add_argument("--size", type=int, default=224)
    options.add_argument("--batch", type=int, default=16)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--device", default="auto")
    options.add_argument("--compile", action="store_true")
    options = options.parse_args()
    device = pick_device(options.device)
    torch.manual_seed(0)
    plain = googlenet(options.variant, heads=False).to(device).eval()
    images = torch.randn(options.batch, 3, options.size, options.size, device=device)
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    images_last = images.contiguous(memory_format=torch.channels_last)
    fused = fuse(last)
    forms = {
        "as it is": (plain, images, "float32"),
        "channels_last": (last, images_last, "float32"),
        "channels_last, fused": (fused, images_last, "float32"),
    }
    fastest = pick_precision(device).name
    if fastest != "float32":
        forms[f"channels_last, fused, {fastest}"] = (fused, images_last, fastest)
    if options.compile:
        forms["as it is, compiled"] = (torch.compile(plain), images, "float32")
        forms["channels_last, fused, compiled"] = (torch.compile(fused), images_last, "float32")

    def run(form: str) -> torch.Tensor:
        model, x, precision = forms[form]
        autocast = torch.autocast(device.type, DTYPES[precision], enabled=precision != "float32")
        with torch.inference_mode(), autocast:
            y = model(x)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return y.float()

    expected = run("as it is")
    span = (expected.max() - expected.min()).item()
    print(
        f"{options.variant} at {options.size}x{options.size}, batch {options.batch}, "
        f"{describe_device(device)}"
    )
    print(", ".join(f"{name} {version}" for name, version in list_versions().items()))
    print(f"\n{'form':36}{'first call, s':>14}{'off by':>10}{'pictures/s':>12}{'ratio':>8}")
    first, off = {}, {}
    for form in forms:
        start = time.perf_counter()
        off[form] = (run(form) - expected).abs().max().item() / span
        first[form] = time.perf_counter() - start
    took: dict[str, list[float]] = {form: [] for form in forms}
    for _ in range(options.rounds):
        for form in forms:
            start = time.perf_counter()
            run(form)
            took[form].append(time.perf_counter() - start)
    for form, seconds in took.items():
        ratio = statistics.median(b / s for b, s in zip(took["as it is"], seconds, strict=True))
        rate = options.batch / statistics.median(seconds)
        print(f"{form:36}{first[form]:14.1f}{off[form]:10.4%}{rate:12.1f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
