"""Pictures that stay in their files: the same batches as from memory, decoded when needed."""

import gc
import multiprocessing
import shutil
import sys
import warnings

import pytest
import torch
from samples import noise_picture, write_class_folders
from torchvision.transforms.functional import to_tensor

from googlenet_lib import googlenet
from googlenet_lib.data import Augmentation, Batches, PictureFiles, load, stream
from googlenet_lib.data.folders import list_pictures, read_pictures
from googlenet_lib.data.stream import StreamedBatches, prefetch, stream_pictures
from googlenet_lib.errors import UsageError
from googlenet_lib.training.fit import fit
from googlenet_lib.training.loop import Trainer
from googlenet_lib.training.recipes import QUICK

CLASSES = ("cat", "dog")
CPU = torch.device("cpu")


@pytest.fixture
def listing(tmp_path):
    write_class_folders(tmp_path, CLASSES, count=7)
    return list_pictures(tmp_path, CLASSES)


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def passes(batches, count=2):
    return [(images, labels) for _ in range(count) for images, labels in batches]


# ---- the files -----------------------------------------------------------------------------------


def test_digest_changes_with_a_file_s_size_and_with_a_label(listing):
    files, _ = stream_pictures(listing, 32)
    before = files.digest()
    assert before == stream_pictures(listing, 32)[0].digest()
    assert PictureFiles(files.root, files.names, 1 - files.labels, 32).digest() != before
    noise_picture(99, (40, 40)).save(listing.root / "cat" / "0000.png")
    assert files.digest() != before


# ---- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("rank", [None, 0, 1])
def test_streamed_batches_are_those_from_memory_to_the_bit(listing, workers, rank):
    def how():
        augment = Augmentation(flip=True, shift=3, colour=0.3)
        share = {} if rank is None else {"rank": rank, "world_size": 2}
        return share | {
            "augment": augment,
            "shuffle": True,
            "generator": draw(5),
            "mean": (0.1,) * 3,
        }

    streamed = StreamedBatches(stream_pictures(listing, 32)[0], 4, workers=workers, **how())
    kept = Batches(read_pictures(listing, 32)[0], 4, **how())
    for pair, expected in zip(passes(streamed), passes(kept), strict=True):
        assert all(map(torch.equal, pair, expected))
    assert len(streamed) == len(kept)


def test_crops_are_cut_out_of_the_whole_picture(tmp_path):
    """A picture of 64x64 at a size of 16: a box of a quarter of a side holds 16 real pixels."""
    write_class_folders(tmp_path, CLASSES, size=(64, 64))
    files, _ = stream_pictures(list_pictures(tmp_path, CLASSES), 16)

    class Corner(Augmentation):
        def draw(self, count, generator):
            return {"box": torch.tensor([[0.5, 0.25, 0.25, 0.25]]).expand(count, -1)}

    (streamed,) = StreamedBatches(
        files, 2, augment=Corner(), workers=0, mean=(0,) * 3, std=(1,) * 3
    )
    for seed, image in enumerate(streamed[0]):
        expected = to_tensor(noise_picture(seed, (64, 64)).crop((16, 32, 32, 48)))
        torch.testing.assert_close(image, expected)


def test_damaged_files_are_left_out_and_named_once_a_pass(listing):
    for name in ("cat/0001.png", "dog/0004.png"):
        whole = (listing.root / name).read_bytes()
        (listing.root / name).write_bytes(whole[: len(whole) // 2])
    files, _ = stream_pictures(listing, 32)
    augment = Augmentation(flip=True)
    batches = StreamedBatches(files, 7, workers=0, augment=augment, mean=(0,) * 3, std=(1,) * 3)
    with pytest.warns(UserWarning, match=r"2 of 14 files were left out; .*0001\.png") as caught:
        seen = [*batches]
    assert len(caught) == 1
    assert [len(labels) for _, labels in seen] == [6, 6]
    # each that stays has its own draw: those of the damaged ones are left out too
    draws = augment.draw(7, draw(0))["mirror"]
    kept = [i for i in range(7) if i != 1]
    for image, i in zip(seen[0][0], kept, strict=True):
        expected = to_tensor(noise_picture(i))
        torch.testing.assert_close(image, expected.flip(2) if draws[i] else expected)


def test_a_batch_without_one_readable_picture_ends_it(listing):
    for path in (listing.root / "dog").iterdir():
        path.write_bytes(b"no picture")
    batches = StreamedBatches(stream_pictures(listing, 32)[0], 7, workers=0)
    with pytest.raises(UsageError, match=r"^0 of the 7 pictures .* first that could not: "):
        passes(batches)


def test_one_picture_left_of_a_batch_is_no_batch_to_train_on(listing):
    (listing.root / "dog" / "0000.png").write_bytes(b"no picture")
    files = stream_pictures(listing, 32)[0][torch.tensor([0, 7])]
    with pytest.warns(UserWarning, match="1 of 2 files"):
        assert [len(labels) for _, labels in StreamedBatches(files, 2, workers=0)] == [1]
    with pytest.raises(UsageError, match=r"^1 of the 2 pictures of a batch .* expected at least 2"):
        passes(StreamedBatches(files, 2, workers=0, shuffle=True))


# ---- workers -------------------------------------------------------------------------------------

forks = pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork", reason="workers are started in another way"
)


def test_workers_end_with_their_batches(listing):
    """By counting references alone: in a cycle they would wait for the garbage collector."""
    before = {*multiprocessing.active_children()}
    gc.disable()
    try:
        batches = StreamedBatches(stream_pictures(listing, 32)[0], 4, workers=2, shuffle=True)
        next(iter(batches))  # a pass that is given up
        passes(batches, 1)
        workers = {*multiprocessing.active_children()} - before
        del batches
        assert len(workers) == 2
        assert not any(worker.is_alive() for worker in workers)
    finally:
        gc.enable()


@forks
@pytest.mark.timeout(60)  # a worker that has no room would be waited for
def test_batches_need_no_shared_memory(listing):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # of files, as those in /dev/shm
    try:
        images, _ = next(iter(StreamedBatches(stream_pictures(listing, 32)[0], 14, workers=1)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert images.shape == (14, 3, 32, 32)


@pytest.mark.timeout(60)
def test_a_worker_that_is_killed_ends_the_epoch(tmp_path):
    torch.manual_seed(0)
    data, recipe = load(sides(tmp_path), stream=True), QUICK.override(["batch_size=4"])
    trainer = Trainer(googlenet("small", 2, width=0.0625), data, recipe, seed=0, device=CPU)
    next(iter(trainer.train_batches))
    for worker in multiprocessing.active_children():
        worker.kill()
    with pytest.raises(RuntimeError, match="DataLoader worker"):
        trainer.run_epoch()


@pytest.mark.parametrize(("said", "workers"), [("", 4), ("2", 2), ("9", 1)])
def test_cores_are_shared_among_processes(listing, monkeypatch, said, workers):
    monkeypatch.setattr(stream, "count_cores", lambda: 4)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", said)
    with warnings.catch_warnings(action="ignore"):  # torch's, about the cores that there are
        batches = StreamedBatches(stream_pictures(listing, 32)[0], 4)
    assert batches._loader.num_workers == workers


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_prefetching_on_a_gpu_copies_every_batch():
    batches = [(torch.full((64, 64), float(i)), torch.full((8,), i)) for i in range(20)]
    for i, (images, labels) in enumerate(prefetch(batches, torch.device("cuda"))):
        assert images.is_cuda
        assert float(images.mean()) == i
        assert labels.tolist() == [i] * 8


# ---- loading and training ------------------------------------------------------------------------


def sides(tmp_path):
    for side, count in (("train", 6), ("test", 3)):
        write_class_folders(tmp_path / side, CLASSES, count, size=(16, 16))
    return tmp_path


@pytest.mark.parametrize("stream", [True, False])
def test_folders_stay_in_their_files_where_asked_or_too_large(tmp_path, monkeypatch, stream):
    whole = load(sides(tmp_path))
    if stream:
        data = load(tmp_path, stream=True)
    else:
        monkeypatch.setattr(sys.modules[load.__module__], "MOST_BYTES", 5 * 3 * 16 * 16)
        with pytest.warns(
            UserWarning, match=r"12 pictures of 16x16 in .*train would take 0\.0 GiB"
        ):
            data = load(tmp_path)
    for side in ("train", "validation", "test"):
        assert type(getattr(data, side)) is PictureFiles
        assert torch.equal(getattr(data, side).labels, getattr(whole, side).labels)
    assert data.image_size == whole.image_size == 16
    assert len(data.limit(4).train) == 4


def test_a_streamed_run_ends_as_one_from_memory(tmp_path):
    recipe = QUICK.override(["epochs=2", "batch_size=4", "precision=float32", "lr=0.01"])
    results = []
    for streamed in (False, True):
        shutil.rmtree(tmp_path / "train", ignore_errors=True)
        shutil.rmtree(tmp_path / "test", ignore_errors=True)
        torch.manual_seed(0)
        model = googlenet("small", 2, width=0.0625)
        data = load(sides(tmp_path), stream=streamed)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            fit(model, data, recipe, device="cpu", report=lambda line: None)
        results.append(model.state_dict())
    for name, tensor in results[0].items():
        torch.testing.assert_close(tensor, results[1][name])
