"""The metrics as functions of images, features and points; which network gives the features is in ``judges``.

Values do not transfer between papers, nor between image sizes: each variant is stated here and in every table.
``a`` is what was generated, ``b`` the true frame. Images are float in [0, 1].

What fools each: true frames of 8 rendered people at 64 px (version 5 of the renderer, 8 frames each), spoiled in one way, as
``python -m tlk.evaluation.spoiled --people 8 --frames 8`` prints it. Blur: Gaussian of 1 px; shuffled: the same frames half a clip later;
colour: red − 20 %, blue + 10 %; shift: one pixel to the right; copy: the source frame with the nearest landmarks. Bold: hardly seen.

| metric | untouched | blur | shuffled | mirrored | colour | shift | copy |
| --- | --- | --- | --- | --- | --- | --- | --- |
| ``ssim`` | 1 | 0.88 | 0.54 | 0.33 | **0.98** | 0.74 | 0.43 |
| ``perceptual`` | 0 | 1.12 | 1.94 | 3.40 | 0.30 | 0.72 | 2.51 |
| ``csim`` (strangers have 0.89) | 1 | 0.96 | **0.97** | **0.99** | **1.00** | **1.00** | **0.97** |
| ``landmark_error`` (the detector's own: 0.066) | 0.066 | **0.078** | 0.38 | 0.56 | **0.066** | 0.088 | 0.22 |
| share without a face | 0 | 0.22 | **0** | **0** | **0** | **0** | **0.03** |
| ``l1`` | 0 | **0.021** | 0.053 | 0.112 | 0.048 | 0.032 | 0.072 |
| ``psnr`` in dB | ∞ | **28.1** | 20.0 | 15.9 | 23.4 | 23.4 | 17.7 |
| ``frechet`` (64 frames) | 0 | 49 | **0** | **6** | 14 | **3** | 22 |
| pose error, degrees (``pose``; its own: 5.2) | 5.2 | **5.8** | 16 | 28 | **5.2** | **5.1** | 15 |
| gaze error, degrees (``gaze``; its own: 4.8; looking ahead: 5.8) | 4.8 | **5.2** | 7.3 | 9.1 | **4.7** | **4.3** | 7.5 |

No column is seen by all, and no metric sees every column, which is why the table has them all; tests/evaluation/test_fooled.py holds this
one to them. Each is checked against a second opinion in tests/evaluation: scikit-image (SSIM, PSNR), loops in float64 (L1, CSIM, perceptual,
landmark error), matrix roots and known Gaussians (Fréchet), OpenCV's PnP and the exact pose (pose), drawn eyes (gaze), pytorch-fid (Inception).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from tlk.landmarks import EYE_CORNERS

INNER_LIPS = (62, 66)  #: middle of the upper and of the lower one

#: What each number of a table is, for people to read; higher is better where the arrow points up.
VARIANTS = {
    "ssim": ("SSIM ↑", "Wang et al. 2004, 11 × 11 Gaussian window (sigma 1.5), data range 1, RGB channels averaged, whole windows only"),
    "perceptual": ("perceptual ↓", "squared distance of unit-normalised efficientnet-lite1 features (stem, blocks 3, 6, 10, 14; ImageNet; frames at 240 px); "
                   "made as LPIPS is, without its trained weights, and not comparable with it"),
    "csim": ("CSIM (dlib-resnet) ↑", "cosine of dlib-resnet embeddings of 150 px chips, aligned by the points found, else by the driving ones; not ArcFace"),
    "landmark_error": ("landmark error ↓", "mean distance of the 68 points found in the result to the driving points, over the distance of the outer "
                       "eye corners (36–45) of the driving points; frames in which no face is found are left out and counted"),
    "mouth_error": ("mouth error ↓", "difference between the opening of the inner lips (62–66) found in the result and the driving one, over the outer "
                    "eye corners' distance; at 64 px the detector sees half of an opening, so compare with true frames and with a mouth at rest"),
    "failed": ("no face found ↓", "share of frames in which the detector finds no face"),
    "l1": ("L1 ↓", "mean absolute difference, images in [0, 1]"),
    "psnr": ("PSNR ↑", "dB, peak 1, of each frame's mean squared error"),
    "frechet": ("Fréchet (efficientnet-lite1) ↓", "Fréchet distance of efficientnet-lite1 pooled features (1280); not FID; biased upwards by few images, so "
                "compare equal counts only; interval: spread over drawn people around the distance of all images"),
    "csim_arcface": ("CSIM (ArcFace) ↑", "cosine of ArcFace embeddings of 112 px faces aligned as insightface does it, by five points made of the 68"),
    "fid": ("FID ↓", "Fréchet distance of the 2,048 pooled features of the Inception of 2015, frames at 299 px bilinear without antialiasing, as pytorch-fid; "
            "of few images, so not comparable with published values"),
    "pose_error": ("pose error ↓", "degrees between the rotation read off the points found (POSIT on the person's own head) and the true one; the row of true "
                   "frames is the measure's own error"),
    "gaze_error": ("gaze error sideways ↓", "degrees; the dark of the eye between its corners, through a line fitted to other people's true frames; landmarks "
                   "carry no gaze, so compare with looking ahead"),
    "cross_perceptual": ("cross perceptual ↓", "perceptual distance to the true image of this person in another person's motion, whose points drove"),
    "cross_csim": ("cross CSIM (dlib-resnet) ↑", "CSIM to the same"),
    "cross_landmark_error": ("cross landmark error ↓", "points found to the person's own true points in that motion, over their inter-ocular distance"),
}  # fmt: skip


def l1(a: Float[Tensor, "f 3 h w"], b: Float[Tensor, "f 3 h w"]) -> Float[Tensor, " f"]:
    """mean |a − b| of each frame, in [0, 1]; 0 is best. A blurred frame beats a sharp one that is a pixel off."""
    return (a - b).abs().mean((1, 2, 3))


def psnr(a: Float[Tensor, "f 3 h w"], b: Float[Tensor, "f 3 h w"]) -> Float[Tensor, " f"]:
    """−10 log10 mean (a − b)² of each frame, in dB (peak 1); infinite for equal frames. Fooled as ``l1`` is."""
    return -10 * (a - b).square().mean((1, 2, 3)).log10()


def ssim(a: Float[Tensor, "f 3 h w"], b: Float[Tensor, "f 3 h w"]) -> Float[Tensor, " f"]:
    """Structural similarity of each frame (Wang et al. 2004), in [−1, 1]; 1 is best.

    (2 μa μb + c1)(2 σab + c2) / ((μa² + μb² + c1)(σa² + σb² + c2)) with c = (0.01², 0.03²), data range 1 (images in
    [0, 1]), moments under an 11 × 11 Gaussian window of sigma 1.5; mean over RGB and over the places where the whole
    window lies inside the image, as in the authors' code and in scikit-image (torchmetrics 1.9 counts a mirrored
    border too, which moves it by 0.02 at 64 px). In float64: in float32 a flat background costs digits.
    What fills the frame decides, and that is often not the face. Raises ValueError on images under 11 pixels.
    """
    if min(a.shape[-2:]) < 11:
        raise ValueError(f"SSIM's window is 11 × 11 pixels; images of {a.shape[-2]} × {a.shape[-1]} are too small")
    a, b = a.double(), b.double()
    mean_a, mean_b, square_a, square_b, product = (_windowed(x) for x in (a, b, a * a, b * b, a * b))
    var_a, var_b, both = square_a - mean_a**2, square_b - mean_b**2, product - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    values = (2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return values.mean((1, 2, 3)).float()


def _windowed(x: Float[Tensor, "f c h w"], size: int = 11, sigma: float = 1.5) -> Float[Tensor, "f c i j"]:
    """Means under the window, whose weights sum to 1, wherever it fits."""
    weights = torch.exp(-((torch.arange(size, dtype=x.dtype, device=x.device) - size // 2) ** 2) / (2 * sigma**2))
    across = (weights / weights.sum()).expand(x.shape[1], 1, 1, size)
    return F.conv2d(F.conv2d(x, across, groups=x.shape[1]), across.mT, groups=x.shape[1])


def csim(a: Float[Tensor, "f n"], b: Float[Tensor, "f n"]) -> Float[Tensor, " f"]:
    """Cosine of identity embeddings, in [−1, 1]; 1 is best.

    With dlib-resnet two strangers have about 0.9 and frames of one person 0.97 (rendered, 64 px; ArcFace's
    strangers have about 0), so read it beside the value for strangers, which the table gives. It asks who is seen,
    not what they do: shuffled or recoloured frames keep it, a copied source frame does well, and blur takes
    everyone towards the strangers' value.
    """
    return F.cosine_similarity(a, b, dim=1)


def landmark_error(found: Float[Tensor, "f 68 2"], driving: Float[Tensor, "f 68 2"]) -> Float[Tensor, " f"]:
    """Mean distance of the 68 points over the driving points' inter-ocular distance (36–45); 0 is best.

    NaN where ``found`` has a point missing: no face was found there. The detector has an error of its own, and
    rendered people's exact points differ from those of a detector that people's annotations trained: the row of
    true frames says how much. A system is helped by leaving out its worst frames, so read it beside the share of
    failures. Colours and sharpness hardly matter to it.
    """
    right, left = EYE_CORNERS
    between = (driving[:, right] - driving[:, left]).norm(dim=-1)
    return (found - driving).norm(dim=-1).mean(1) / between


def place_and_motion(found: Float[Tensor, "f 68 2"], driving: Float[Tensor, "f 68 2"]) -> tuple[Float[Tensor, " 68"], Float[Tensor, " 68"]]:
    """``landmark_error`` taken apart, point by point: what is the same in all frames, and what changes from frame to frame.

    *Place* is the length of the mean error vector: a nose that is drawn too low, or a detector that always puts its points lower.
    *Motion* is the mean distance from that vector: pose and expression that are followed badly, and the detector's noise. Both over
    the inter-ocular distance. Frames without a face are left out; NaN where that is all of them.
    """
    right, left = EYE_CORNERS
    between = (driving[:, right] - driving[:, left]).norm(dim=-1)
    errors = ((found - driving) / between[:, None, None])[found.isfinite().all(-1).all(-1)]
    place = errors.mean(0)
    return place.norm(dim=-1), (errors - place).norm(dim=-1).mean(0)


def mouth_opening(points: Float[Tensor, "f 68 2"]) -> Float[Tensor, " f"]:
    """Distance of the inner lips' middles (62–66) over that of the outer eye corners (36–45); about 0 shut, 0.4 wide open."""
    upper, lower = INNER_LIPS
    right, left = EYE_CORNERS
    return (points[:, upper] - points[:, lower]).norm(dim=-1) / (points[:, right] - points[:, left]).norm(dim=-1)


def mouth_error(found: Float[Tensor, "f 68 2"], driving: Float[Tensor, "f 68 2"]) -> Float[Tensor, " f"]:
    """|opening found − driving opening| as in ``mouth_opening``; 0 is best, NaN where no face was found.

    The mean over 68 points hides a mouth that stays shut: it moves six of them. The detector expects mouths to be shut and reads
    about half of an opening in a small frame, so the numbers to read beside it are those of true frames and of a mouth at rest,
    which the table gives. A blurred or recoloured mouth keeps it.
    """
    return (mouth_opening(found) - mouth_opening(driving)).abs()


def perceptual(a: Sequence[Tensor], b: Sequence[Tensor]) -> Float[Tensor, " f"]:
    """Σ over layers of mean over places of ‖â − b̂‖², with â = a / ‖a‖ over channels at each place; 0 is best.

    Each layer is (f, c, h, w) and adds at most 4. Made as LPIPS (Zhang et al. 2018) is, with another network and
    without the trained weight of each channel. Our features are of efficientnet-lite1, a sibling of the network
    that trains (lite0): it is kinder to our systems than an unrelated network would be.
    """
    return torch.stack([(_unit(x) - _unit(y)).square().sum(1).mean((-2, -1)) for x, y in zip(a, b, strict=True)]).sum(0)


def _unit(x: Float[Tensor, "f c h w"]) -> Float[Tensor, "f c h w"]:
    return x / x.norm(dim=1, keepdim=True).clamp_min(1e-10)


def frechet(a: Float[Tensor, "m n"], b: Float[Tensor, "k n"]) -> float:
    """‖μa − μb‖² + tr(Σa + Σb − 2 (Σa Σb)^½) of two sets of features; 0 is best (Heusel et al. 2017).

    In float64. tr (Σa Σb)^½ is the sum of the singular values of A Bᵀ, where the rows of A and B are the centred
    features over √(count − 1): no square root of a matrix is taken, and fewer images than features do no harm to
    the arithmetic. They bias the value upwards, though, so only equal counts compare. Frames in another order, and
    the right motion on the wrong frames, leave it as it is. Raises ValueError with fewer than two images.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"a Fréchet distance needs at least two images on both sides, not {len(a)} and {len(b)}")
    a, b = a.double(), b.double()
    shift = (a.mean(0) - b.mean(0)).square().sum()
    a, b = ((x - x.mean(0)) / (len(x) - 1) ** 0.5 for x in (a, b))
    return max((shift + a.square().sum() + b.square().sum() - 2 * torch.linalg.svdvals(a @ b.T).sum()).item(), 0.0)
