"""L_CNT and ``Content``: by hand, on a photo, and what must not train."""

import pytest
import torch
import torch.nn.functional as F
from skimage.data import astronaut

from tlk.losses import Content, content_loss
from tlk.losses.backbones import ROLES, Backbone
from tlk.presets import PRESETS


@pytest.fixture(scope="module")
def face():
    photo = torch.from_numpy(astronaut()).permute(2, 0, 1)[None].float() / 255
    return F.interpolate(photo[..., 0:250, 100:350], (64, 64), mode="bilinear", antialias=True)


@pytest.fixture(scope="module")
def content():
    return Content([("efficientnet-lite0", 0.5)])


def blurred(image, size):
    small = F.interpolate(image, (size, size), mode="bilinear", antialias=True)
    return F.interpolate(small, image.shape[-2:], mode="bilinear", antialias=True)


def test_by_hand():
    fake = [torch.zeros(1, 1, 2, 2), torch.ones(1, 2, 1, 1)]
    real = [torch.tensor([[[[1.0, -1.0], [2.0, 0.0]]]]), torch.tensor([[[[4.0]], [[1.0]]]])]
    assert content_loss(fake, real).item() == pytest.approx(1.0 + 1.5)
    assert content_loss(fake, real, (10.0, 2.0)).item() == pytest.approx(10 * 1.0 + 2 * 1.5)


def test_no_difference_costs_nothing_and_more_blur_costs_more(content, face):
    values = [content(x, face)["efficientnet-lite0"].item() for x in (face, blurred(face, 48), blurred(face, 32), blurred(face, 16), blurred(face, 4))]
    assert values[0] == 0
    assert values == sorted(values) and values[1] > 1


def test_gradient_reaches_the_generated_image_only(content, face):
    fake, real = blurred(face, 16).requires_grad_(), face.clone().requires_grad_()
    content(fake, real)["efficientnet-lite0"].backward()
    assert real.grad is None
    assert (fake.grad.abs() > 0).float().mean() > 0.99  # the shallowest layer sees every pixel


def test_real_features_are_a_target():
    fake, real = torch.randn(1, 2, 3, 3, requires_grad=True), torch.randn(1, 2, 3, 3, requires_grad=True)
    content_loss([fake], [real]).backward()
    assert real.grad is None and fake.grad is not None


def test_gradient_equals_finite_difference(face):
    content = Content([("efficientnet-lite0", 1.0)]).double()
    real = F.interpolate(face, (32, 32), mode="bilinear", antialias=True).double()
    g = torch.Generator().manual_seed(1)
    fake = (real + 0.05 * torch.randn(real.shape, generator=g, dtype=real.dtype)).requires_grad_()
    direction = torch.randn(real.shape, generator=g, dtype=real.dtype)

    def value(x):
        return content(x, real)["efficientnet-lite0"]

    (gradient,) = torch.autograd.grad(value(fake), fake)
    step = 1e-7
    numeric = (value(fake + step * direction) - value(fake - step * direction)) / (2 * step)
    assert numeric.item() == pytest.approx((gradient * direction).sum().item(), rel=1e-4)


def test_nothing_in_it_can_train_or_ends_in_a_checkpoint(content):
    assert list(content.parameters()) == [] and content.state_dict() == {}


@pytest.mark.parametrize("name", [n for n, role in ROLES.items() if role == "measures"])
def test_what_measures_does_not_train(name):
    with pytest.raises(ValueError, match="measures results and must not train"):
        Content([(name, 1.0)])


def test_unless_told_so(face):
    content = Content([("efficientnet-lite1", 1.0)], allow_measuring=True)
    assert content(blurred(face, 16), face)["efficientnet-lite1"].item() > 0


def test_no_preset_trains_on_what_measures():
    assert all(ROLES[name.partition("@")[0]] == "trains" for p in PRESETS.values() for name, _ in p.content)


class Halves(Backbone):
    name, layers, gains = "halves", ("half",), (3.0,)

    def forward(self, images):
        return [images / 2]


def test_a_backbone_of_ones_own_and_its_gains():
    content = Content([(Halves(), 2.0)])
    assert content.weights == {"halves": 2.0}
    assert content(torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4))["halves"].item() == pytest.approx(3 * 0.5)  # unweighted


def test_refusals():
    with pytest.raises(ValueError, match="named twice"):
        Content([(Halves(), 1.0), (Halves(), 1.0)])
    with pytest.raises(ValueError, match="unknown backbone 'vgg'"):
        Content([("vgg", 1.0)])
    with pytest.raises(ValueError, match="same layers"):
        content_loss([torch.zeros(1)], [])
