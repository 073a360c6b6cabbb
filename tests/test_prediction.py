"""One picture in: whatever form it comes in, the same labels, and probabilities that sum to 1."""

import copy
import io

import numpy as np
import pytest
import torch
from PIL import Image
from samples import noise_picture
from torchvision.models import GoogLeNet_Weights

from googlenet_lib import googlenet
from googlenet_lib.errors import UsageError
from googlenet_lib.network.pretrained import imagenet_info, load_network
from googlenet_lib.network.weights import WeightsInfo, weights_to_bytes
from googlenet_lib.prediction import predict, prepare

INFO = WeightsInfo(
    variant="small",
    classes=("a", "b", "c", "d"),
    mean=(0.1, 0.2, 0.3),
    std=(0.4, 0.5, 0.6),
    image_size=16,
    width=0.0625,
)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return googlenet("small", 4, width=0.0625).eval()


def as_tensor(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


# ---- preparing -----------------------------------------------------------------------------------


def test_picture_of_the_right_size_is_only_normalised():
    picture = noise_picture(0, (16, 16))
    expected = as_tensor(picture).double() / 255
    expected = (expected - torch.tensor(INFO.mean).view(3, 1, 1)) / torch.tensor(INFO.std).view(
        3, 1, 1
    )
    prepared = prepare(picture, INFO)
    assert (prepared.dtype, prepared.shape) == (torch.float32, (3, 16, 16))
    torch.testing.assert_close(prepared.double(), expected, rtol=1e-6, atol=1e-6)


def test_what_users_have_in_hand_agrees(tmp_path, model):
    picture = noise_picture(0, (40, 24))
    path = tmp_path / "picture.png"
    picture.save(path)
    content, pixels = path.read_bytes(), np.array(picture)
    expected = predict(model, INFO, [path])
    with path.open("rb") as file:
        for one in (
            path, str(path), content, bytearray(content), memoryview(content), io.BytesIO(content),
            file, picture, pixels, pixels[:, ::-1][:, ::-1], as_tensor(picture),
        ):  # fmt: skip
            assert predict(model, INFO, one) == expected  # alone, in no list
    several = (path, content, pixels, picture)
    for many in (several, list(several), iter(several), np.stack([pixels] * 4)):
        assert predict(model, INFO, many) == expected * 4
    grey = np.array(picture.convert("L"))
    assert torch.equal(prepare(grey, INFO), prepare(picture.convert("L"), INFO))


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (torch.zeros(3, 0, 0, dtype=torch.uint8), r"with shape \(3, 0, 0\)"),
        (torch.rand(3, 16, 16), r"expected torch\.uint8 with shape \(3, height, width\)"),
        (torch.zeros(16, 16, 3, dtype=torch.uint8), r"with shape \(16, 16, 3\)"),
        ([torch.zeros(3, 3, 16, 16, dtype=torch.uint8)], r"with shape \(3, 3, 16, 16\)"),
        ([torch.zeros(3, 16, dtype=torch.uint8)], r"with shape \(3, 16\)"),
        (np.zeros((5, 5, 3)), "came as float64"),
        (np.zeros((5, 5, 4), np.uint8), r"expected uint8 with shape \(height, width, 3\)"),
        (np.zeros(5, np.uint8), r"with shape \(5,\)"),
        (Image.new("RGB", (0, 0)), "0x0 came"),
        (b"", r"0 bytes could not be read as a picture: empty"),
        (b"no picture", "10 bytes could not be read as a picture: not a picture"),
        (io.StringIO("text"), "came as StringIO"),
        (None, "came as NoneType; expected a path, a PIL image"),
        ([["picture.png"]], "came as list"),
    ],
)
def test_what_is_no_picture_is_refused(model, picture, said):
    with pytest.raises(UsageError, match=said):
        predict(model, INFO, picture)


def test_open_files_that_cannot_be_read(tmp_path):
    noise_picture(0).save(tmp_path / "a.png")
    closed = (tmp_path / "a.png").open("rb")
    closed.close()
    with (tmp_path / "a.png").open(encoding="utf-8") as text:
        for file in (closed, text):
            with pytest.raises(UsageError, match=r"open it by open\(path, 'rb'\)"):
                prepare(file, INFO)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
def test_every_kind_of_picture_agrees_with_its_file(tmp_path, mode):
    picture = noise_picture(0, (40, 24))
    picture = picture.quantize(16) if mode == "P" else picture.convert(mode)
    path = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    picture.save(path)
    assert torch.equal(prepare(picture, INFO), prepare(path, INFO))
    assert torch.equal(prepare(picture, INFO), prepare(picture.convert("RGB"), INFO))


def test_images_in_memory_that_cannot_be_read(tmp_path):
    noise_picture(0).save(tmp_path / "half.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "half.png").read_bytes()[:500])
    with Image.open(tmp_path / "half.png") as half:
        for picture in (half, Image.new("F", (16, 16))):
            with pytest.raises(UsageError, match=f"a PIL image of mode {picture.mode} could not"):
                prepare(picture, INFO)


@pytest.mark.parametrize("size", [(500, 333), (224, 224)])
def test_imagenet_pictures_are_prepared_nearly_as_torchvision_does(size):
    # a photograph is smooth: noise would show every difference between two resizings
    picture = noise_picture(0, (12, 10)).resize(size, Image.Resampling.BICUBIC)
    theirs = GoogLeNet_Weights.IMAGENET1K_V1.transforms()(picture)
    ours = prepare(picture, imagenet_info())
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().mean() < 0.04
    assert torch.corrcoef(torch.stack([ours.flatten(), theirs.flatten()]))[0, 1] > 0.999


# ---- predicting ----------------------------------------------------------------------------------


def test_labels_are_those_of_the_highest_logits(model):
    pictures = [noise_picture(seed, (16, 16)) for seed in range(5)]
    with torch.no_grad():
        logits = model(torch.stack([prepare(picture, INFO) for picture in pictures]))
    for predictions, row in zip(predict(model, INFO, pictures, top=4), logits, strict=True):
        order = row.argsort(descending=True).tolist()
        assert [prediction.label for prediction in predictions] == [INFO.classes[i] for i in order]
        expected = row.softmax(0)[order].tolist()
        assert [p.probability for p in predictions] == pytest.approx(expected, rel=1e-4)
        assert sum(p.probability for p in predictions) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("top", [0, 2.5, "3"])
def test_top_out_of_range_is_refused(model, top):
    with pytest.raises(UsageError, match=f"the top {top} came; expected 1 to 4, the classes"):
        predict(model, INFO, [noise_picture(0)], top=top)


def test_of_fewer_classes_all_are_given(model):
    (all_four,) = predict(model, INFO, noise_picture(0))
    assert len(all_four) == 4
    assert predict(model, INFO, noise_picture(0), top=2) == [all_four[:2]]
    assert predict(model, INFO, [], top=1) == []
    assert predict(model, INFO, noise_picture(0), top=np.int64(4)) == [all_four]


@pytest.mark.parametrize("change", [torch.nn.Module.half, torch.nn.Module.double])
def test_networks_of_any_precision_answer(model, change):
    changed = change(copy.deepcopy(model))
    (expected,), (found,) = (predict(m, INFO, noise_picture(0)) for m in (model, changed))
    assert [p.probability for p in found] == pytest.approx(
        [p.probability for p in expected], abs=0.01
    )


def test_network_whose_answers_mean_nothing_is_refused(model):
    broken = copy.deepcopy(model)
    broken.fc.weight.data[0] = float("nan")
    with pytest.raises(UsageError, match="numbers that are not finite"):
        predict(broken, INFO, noise_picture(0))
    broken.fc = torch.nn.Sequential(torch.nn.Linear(32, 3))
    with pytest.raises(UsageError, match="tells 3 classes apart, but names for 4 came"):
        predict(broken, INFO, noise_picture(0))


def test_network_in_training_mode_is_taken_out_of_it(model):
    model.train()
    twice = [predict(model, INFO, [noise_picture(0)], top=4) for _ in range(2)]
    assert twice[0] == twice[1]
    assert not model.training


def test_network_is_loaded_ready_to_predict(tmp_path, model):
    path = tmp_path / "best.safetensors"
    path.write_bytes(weights_to_bytes(model.state_dict(), INFO))
    loaded, info = load_network(path)
    assert info == INFO
    assert not loaded.training
    picture = noise_picture(0)
    assert predict(loaded, info, [picture], top=4) == predict(model, INFO, [picture], top=4)
    assert predict(load_network(str(path))[0], info, [picture], top=4)
