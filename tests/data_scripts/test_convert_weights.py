"""Weights from the files that people have: small stand-ins in, what tlk loads out; other files refused in one sentence."""

import pickle
import struct

import numpy as np
import pytest
import torch
from torch import nn

from data_scripts import convert_weights
from data_scripts.caffemodel import read_caffemodel
from data_scripts.convert_weights import convert, main, sha256
from tests.evaluation.test_named_files import SMALL, by_formula
from tlk.evaluation.arcface import ArcFace, open_arcface
from tlk.evaluation.inception import Inception, open_inception
from tlk.losses import load_backbone
from tlk.losses.backbones import vgg
from tlk.weights_cache import WeightsMissing, cache_folder, load_state_dict

NARROW = (2, 3, 4, 5, 6)
CONVS = {"vgg19-caffe": (2, 2, 4, 4, 4), "vggface": (2, 2, 3, 3, 3)}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLK_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(vgg, "WIDTHS", NARROW)
    monkeypatch.setattr(convert_weights, "CLASSES", {"vgg19-caffe": 10, "vggface": 20})
    return cache_folder()


def layers(name, seed=0):
    """conv1_1 … conv5_4 (weight, bias) of a whole narrow VGG, and its last layer."""
    random, found, before = np.random.default_rng(seed), {}, 3
    for block, count in enumerate(CONVS[name], start=1):
        for position in range(1, count + 1):
            after = NARROW[block - 1]
            found[f"conv{block}_{position}"] = random.normal(size=(after, before, 3, 3)).astype("f4"), random.normal(size=after).astype("f4")
            before = after
    return found | {"fc8": (np.zeros((convert_weights.CLASSES[name], 4), "f4"), np.zeros(convert_weights.CLASSES[name], "f4"))}


def named(found, indexed):
    """A state dict with the layers' own names, or with those of a Sequential (features.0, features.2, …)."""
    names, index, block = {}, 0, "1"
    for name in found:
        if name.startswith("conv") and name[4] != block:
            block, index = name[4], index + 1
        names[name] = f"features.{index}" if name.startswith("conv") else "classifier.6"
        index += 2
    return {f"{names[n] if indexed else n}.{part}": torch.from_numpy(v) for n, values in found.items() for part, v in zip(("weight", "bias"), values)}


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def caffemodel(found, old):
    """Caffe's format as its two generations wrote it, by hand."""

    def blob(value):
        if old:
            shape = b"".join(varint(n << 3) + varint(d) for n, d in enumerate([1] * (4 - value.ndim) + list(value.shape), start=1))
        else:
            shape = field(7, field(1, b"".join(map(varint, value.shape))))
        return shape + field(5, value.astype("<f4").tobytes())

    net = field(1, b"a net") + varint(3 << 3 | 5) + struct.pack("<f", 1.5) + varint(4 << 3 | 1) + struct.pack("<d", 2.5)  # fields of no interest
    relu = field(2 if old else 100, field(4 if old else 1, b"relu"))
    return net + relu + b"".join(field(2 if old else 100, field(4 if old else 1, name.encode()) + b"".join(field(6 if old else 7, blob(v)) for v in values)) for name, values in found.items())


def first_conv(path):
    return load_state_dict(path, {"conv1_1.weight" if "vggface" in path.name else "features.0.weight": (2, 3, 3, 3)}).popitem()[1].numpy()


@pytest.mark.parametrize("old", [False, True])
def test_a_caffemodel_is_read_as_it_was_written(tmp_path, old):
    found = layers("vgg19-caffe")
    (tmp_path / "a.caffemodel").write_bytes(caffemodel(found, old))
    read = read_caffemodel(tmp_path / "a.caffemodel")
    assert set(read) == set(found)
    assert all(np.array_equal(np.squeeze(a), np.squeeze(b)) for name in found for a, b in zip(read[name], found[name], strict=True))


def test_every_form_of_vgg19_becomes_the_same_backbone(tmp_path, cache, capsys):
    found = layers("vgg19-caffe")
    (tmp_path / "VGG_ILSVRC_19_layers.caffemodel").write_bytes(caffemodel(found, old=True))
    torch.save(named(found, indexed=True), tmp_path / "features.pth")
    torch.save({"state_dict": {f"module.{k}": v for k, v in named(found, indexed=False).items()}}, tmp_path / "wrapped.pth")
    pictures, images = [], torch.rand(1, 3, 32, 32)
    for file, options in (("VGG_ILSVRC_19_layers.caffemodel", []), ("features.pth", ["--channels", "bgr"]), ("wrapped.pth", ["--channels", "bgr"])):
        assert main(["vgg19-caffe", str(tmp_path / file), "--again", *options]) == 0
        assert sha256(cache / "vgg19-caffe.safetensors") in capsys.readouterr().out
        pictures.append(load_backbone("vgg19-caffe")(images))
    assert all(torch.equal(a, b) for other in pictures[1:] for a, b in zip(pictures[0], other, strict=True))
    x = 255 * images.flip(1) - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)
    weight, bias = map(torch.from_numpy, found["conv1_1"])
    torch.testing.assert_close(pictures[0][0], nn.functional.conv2d(x, weight, bias, padding=1).relu())
    assert sorted(p.name for p in cache.iterdir()) == ["vgg19-caffe.safetensors", "vgg19-caffe.safetensors.sha256"]


def test_caffes_vggface_takes_bgr_and_ours_takes_rgb(tmp_path, cache):
    """The trap: without the flip red would be read as blue. The means that the backbone takes off are in RGB too."""
    found = layers("vggface")
    (tmp_path / "VGG_FACE.caffemodel").write_bytes(caffemodel(found, old=False))
    torch.save(named(found, indexed=False), tmp_path / "vgg_face_dag.pth")
    flipped, _ = convert("vggface", tmp_path / "VGG_FACE.caffemodel", cache)
    assert np.array_equal(first_conv(flipped), found["conv1_1"][0][:, ::-1]) and not np.array_equal(first_conv(flipped), found["conv1_1"][0])
    kept, _ = convert("vggface", tmp_path / "vgg_face_dag.pth", cache, again=True)
    assert np.array_equal(first_conv(kept), found["conv1_1"][0])
    assert load_backbone("vggface")(torch.rand(1, 3, 32, 32))[0].shape == (1, 2, 32, 32)


def test_a_vgg_that_does_not_say_its_channels_is_not_guessed(tmp_path, cache, capsys):
    torch.save(named(layers("vgg19-caffe"), indexed=True), tmp_path / "features.pth")
    torch.save(named(layers("vgg19-caffe"), indexed=True), tmp_path / "vgg19-dcbb9e9d.pth")
    for file, words in (("features.pth", "say --channels bgr"), ("vgg19-dcbb9e9d.pth", "is torchvision's VGG19")):
        assert main(["vgg19-caffe", str(tmp_path / file)]) == 2
        said = capsys.readouterr().err
        assert words in said and file in said and said.count("\n") == 1
    assert not cache.exists()


@pytest.mark.parametrize("name, other", [("vgg19-caffe", "vggface"), ("vggface", "vgg19-caffe")])
def test_the_other_vgg_is_refused(tmp_path, cache, name, other, monkeypatch):
    found = layers(other)
    torch.save(named(found, indexed=False), tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"x\.pth tells \d+ classes apart"):
        convert(name, tmp_path / "x.pth", cache, "bgr")
    torch.save({k: v for k, v in named(found, indexed=False).items() if "fc8" not in k}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"x\.pth: conv.* has shape .* needs"):
        convert(name, tmp_path / "x.pth", cache, "bgr")


class SmallFan(nn.Module):
    def __init__(self, stages: int) -> None:
        super().__init__()
        self.layer, self.bn = nn.Conv2d(3, 68, 9, stride=4, padding=4), nn.BatchNorm2d(68)

    def forward(self, images):
        return [self.bn(self.layer(images))]


def test_face_alignment_reads_what_was_converted(tmp_path, cache, monkeypatch, capsys):
    """2DFAN4 as its code loads it; the face detector's file reaches its ``torch.load``."""
    api = pytest.importorskip("face_alignment.api")
    from face_alignment.detection.sfd import net_s3fd, sfd_detector

    from tlk.landmarks.face_alignment_detector import FaceAlignment, missing_files

    class SmallS3fd(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(3, 2, 3)

    monkeypatch.setattr(api, "FAN", SmallFan)
    for module in (net_s3fd, sfd_detector):
        monkeypatch.setattr(module, "s3fd", SmallS3fd)
    torch.manual_seed(0)
    fan, faces = SmallFan(4), SmallS3fd()
    torch.save(fan.state_dict(), tmp_path / "2DFAN4-11f355bf06.pth.tar")
    torch.save(faces.state_dict(), tmp_path / "s3fd-619a316812.pth")
    assert len(missing_files()) == 2
    assert main(["2dfan4", str(tmp_path / "2DFAN4-11f355bf06.pth.tar")]) == 0
    assert "its name says 11f355bf06" in capsys.readouterr().err  # the stand-in is not the published file
    assert missing_files() == ["s3fd-619a316812.pth"]
    assert main(["s3fd", str(tmp_path / "s3fd-619a316812.pth")]) == 0 and missing_files() == []
    finder = FaceAlignment("cpu")
    assert torch.equal(finder._model.face_alignment_net.layer.weight, fan.layer.weight)
    assert torch.equal(finder._model.face_detector.face_detector.layer.weight, faces.layer.weight)
    (cache / "2dfan4.safetensors").write_bytes(b"tampered with")
    with pytest.raises(WeightsMissing, match="2dfan4.safetensors: SHA-256 is"):
        FaceAlignment("cpu")


@pytest.mark.parametrize("name, network, opener", [("inception", Inception(SMALL), open_inception), ("arcface", ArcFace((1, 2, 1, 1), width=4, embedding=8), open_arcface)])
def test_what_measures_is_the_same_from_either_file(tmp_path, cache, name, network, opener, capsys):
    torch.save(by_formula(network) | {"fc.extra": torch.zeros(1)}, tmp_path / "net.pth")
    assert main([name, str(tmp_path / "net.pth")]) == 0
    assert f"--{name} {cache / name}.safetensors" in capsys.readouterr().out
    x = torch.rand(2, 3, 112, 112)
    assert torch.equal(opener(cache / f"{name}.safetensors")(x), opener(tmp_path / "net.pth")(x))
    (cache / f"{name}.safetensors").write_bytes(b"half of it")
    with pytest.raises(WeightsMissing, match=f"{name}.safetensors is not a readable state dict"):
        opener(cache / f"{name}.safetensors")


class Trap:
    """Pickled as a call that would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


BAD = {
    "gone.pth": None, "empty.pth": b"", "page.pth": b"<html>404</html>", "page.safetensors": b"<html>404</html>", "empty.caffemodel": b"",
    "page.caffemodel": b"<html>404</html>", "list.pth": [1, 2], "none.pth": {}, "nested.pth": {"state_dict": {"epoch": 3}}, "other.pth": {"fc.weight": torch.ones(3)},
}  # fmt: skip


@pytest.mark.parametrize("name", convert_weights.KINDS)
@pytest.mark.parametrize("file", [*BAD, "half.caffemodel", "trap.pth"])
def test_a_wrong_file_gets_one_sentence_and_leaves_nothing(tmp_path, cache, capsys, name, file):
    path, content = tmp_path / file, BAD.get(file)
    if file == "half.caffemodel":
        whole = caffemodel(layers("vgg19-caffe"), old=False)
        path.write_bytes(whole[: len(whole) // 2])
    elif file == "trap.pth":
        path.write_bytes(pickle.dumps({"conv1_1.weight": Trap(tmp_path / "ran")}, protocol=2))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    assert main([name, str(path), "--channels", "bgr"]) == 2
    said = capsys.readouterr().err
    assert file in said and said.count("\n") == 1 and "weights_only" not in said
    assert not cache.exists() and not (tmp_path / "ran").exists()


def test_nan_is_refused_and_an_older_result_stays(tmp_path, cache, capsys):
    found = layers("vgg19-caffe")
    (tmp_path / "good.caffemodel").write_bytes(caffemodel(found, old=False))
    found["conv3_2"][0][0, 0, 0, 0] = np.nan
    (tmp_path / "bad.caffemodel").write_bytes(caffemodel(found, old=False))
    path, digest = convert("vgg19-caffe", tmp_path / "good.caffemodel", cache)
    assert (cache / (path.name + ".sha256")).read_text().strip() == digest == sha256(path)
    assert main(["vgg19-caffe", str(tmp_path / "good.caffemodel")]) == 2 and "exists already; add --again" in capsys.readouterr().err
    assert main(["vgg19-caffe", str(tmp_path / "bad.caffemodel"), "--again"]) == 2
    assert "conv3_2.weight holds NaN" in capsys.readouterr().err and sha256(path) == digest and (cache / (path.name + ".sha256")).is_file()


def test_a_full_disk_leaves_nothing(tmp_path, cache, monkeypatch, capsys):
    from safetensors import torch as tensors

    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "good.caffemodel").write_bytes(caffemodel(layers("vgg19-caffe"), old=False))
    monkeypatch.setattr(tensors, "save_file", full)
    assert main(["vgg19-caffe", str(tmp_path / "good.caffemodel")]) == 2
    assert "vgg19-caffe.safetensors" in capsys.readouterr().err and list(cache.iterdir()) == []


def test_the_list_says_where_and_what(tmp_path, cache, capsys):
    from tlk.__main__ import main as tlk

    assert main(["--list"]) == 0
    before = capsys.readouterr().out
    assert str(cache) in before and "missing  vgg19-caffe" in before and "vgg19-d01eb7cb.pth" in before and str(tmp_path / "hub") in before
    (tmp_path / "good.caffemodel").write_bytes(caffemodel(layers("vgg19-caffe"), old=False))
    convert("vgg19-caffe", tmp_path / "good.caffemodel", cache)
    assert tlk(["weights"]) == 0
    after = capsys.readouterr().out
    assert "there    vgg19-caffe" in after and str(cache / "vgg19-caffe.safetensors") in after
    with pytest.raises(SystemExit):
        main(["vggface"])
