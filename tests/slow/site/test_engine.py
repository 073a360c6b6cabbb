"""The network in the page equals PyTorch, its images are Pillow's, its kernel is its source's."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from node import needs_node, run_file, run_script
from PIL import Image, ImageOps

from googlenet_lib.course.kit.branches import branch_maps, branch_windows
from googlenet_lib.data.batches import normalise
from googlenet_lib.data.shapes import draw_random_shapes
from googlenet_lib.network.pretrained import load_network

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "docs" / "_static" / "demo"
WEIGHTS = ROOT / "googlenet_lib" / "assets" / "weights"
COUNT, MODULES = 20, ("3a", "4c", "5b")


@needs_node
@pytest.mark.parametrize("plain", [False, True], ids=["kernel", "plain"])
@pytest.mark.parametrize("name", ["cifar10", "shapes"])
def test_the_page_computes_what_pytorch_computes(tmp_path, name, plain):
    model, info = load_network(name)
    images = draw_random_shapes(COUNT, seed=5)[0]
    batch = normalise(images, info.mean, info.std)
    with torch.inference_mode():
        found = model.eval().all_outputs(batch)
    outputs = {"logits": found.logits, "aux1": found.aux_logits1, "aux2": found.aux_logits2}
    maps = {module: branch_maps(model, batch, f"inception{module}") for module in MODULES}
    told = [
        {
            "pixels": images[i].flatten().tolist(),
            "outputs": {k: v[i].tolist() for k, v in outputs.items() if v is not None},
            "branches": {
                module: {branch: values[i].flatten().tolist() for branch, values in of.items()}
                for module, of in maps.items()
            },
        }
        for i in range(2 if plain else COUNT)  # plain JavaScript takes its time
    ]
    (tmp_path / "images.json").write_text(json.dumps(told), encoding="utf-8")
    weights = WEIGHTS / f"{name}.safetensors"
    arguments = DEMO, weights, tmp_path / "images.json", *["plain"] * plain
    result = run_file("engine.mjs", *arguments)
    assert result["furthest"] < 1e-5
    for module, fields in result["fields"].items():
        windows = branch_windows(model, f"inception{module}")
        for branch, window in windows.items():
            assert fields[branch] == vars(window)


@needs_node
@pytest.mark.parametrize("size", [(61, 40), (32, 32), (20, 30), (90, 120)])
def test_images_are_resized_as_pillow_does(tmp_path, size):
    draw = np.random.default_rng(0)
    picture = draw.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    expected = np.asarray(
        ImageOps.fit(Image.fromarray(picture), (32, 32), Image.Resampling.BILINEAR)
    )
    with_alpha = np.dstack([picture, np.full(picture.shape[:2], 255, dtype=np.uint8)])
    data = tmp_path / "picture.json"
    data.write_text(json.dumps(with_alpha.flatten().tolist()), encoding="utf-8")
    script = """
    import { readFileSync } from "node:fs";
    const [module, file, width, height] = process.argv.slice(1);
    const { fitImage } = await import(module);
    const data = JSON.parse(readFileSync(file));
    console.log(JSON.stringify(Array.from(fitImage({ width: +width, height: +height, data }, 32))));
    """
    found = run_script(script, (DEMO / "picture.js").as_uri(), data, *size)
    assert np.array_equal(np.reshape(found, (3, 32, 32)), expected.transpose(2, 0, 1))


@needs_node
def test_a_file_cut_short_is_told():
    script = """
    import { readFileSync } from "node:fs";
    const [module, file] = process.argv.slice(1);
    const { parseWeights } = await import(module);
    const bytes = readFileSync(file).subarray(0, 100000);
    let message = "";
    try { parseWeights(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)); }
    catch (error) { message = error.message; }
    console.log(JSON.stringify(message));
    """
    weights = WEIGHTS / "shapes.safetensors"
    assert "damaged or was cut short" in run_script(script, (DEMO / "network.js").as_uri(), weights)


def test_the_kernel_is_compiled_from_its_source():
    wasmtime = pytest.importorskip("wasmtime", reason="pip install wasmtime")
    source = (DEMO / "kernel.wat").read_text(encoding="utf-8")
    assert bytes(wasmtime.wat2wasm(source)) == (DEMO / "kernel.wasm").read_bytes()
