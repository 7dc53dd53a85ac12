"""Each metric against a second opinion: another library, a closed form, or a loop in float64."""

import math

import numpy as np
import pytest
import torch
from skimage import metrics as skimage_metrics

from tests.evaluation.conftest import noise
from tlk.evaluation.metrics import mouth_error, mouth_opening
from tlk.evaluation import csim, frechet, l1, landmark_error, perceptual, psnr, ssim


@pytest.fixture(scope="module")
def pair():
    """Two photos and spoiled copies, float (2, 3, 64, 64)."""
    from skimage.data import astronaut

    photo = torch.from_numpy(astronaut()[:128, 160:288]).permute(2, 0, 1).float() / 255
    frames = torch.stack([photo[:, :64, :64], photo[:, 40:104, 30:94]])
    return (frames * torch.tensor([0.9, 0.7]).view(2, 1, 1, 1) + 0.05 * noise(2, 3, 64, 64)).clamp(0, 1), frames


def skimage_ssim(a, b, **window):
    return [skimage_metrics.structural_similarity(x.double().numpy(), y.double().numpy(), data_range=1.0, channel_axis=0, **window) for x, y in zip(a, b)]


GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def test_ssim_is_the_papers_variant(pair):
    ours = ssim(*pair)
    assert torch.allclose(ours.double(), torch.tensor(skimage_ssim(*pair, **GAUSSIAN)), atol=1e-6)
    assert ours[0] != ours[1]  # each frame has its own
    for other in (GAUSSIAN | {"sigma": 0.8}, {"win_size": 7}, {"win_size": 11}):
        assert not torch.allclose(ours.double(), torch.tensor(skimage_ssim(*pair, **other)), atol=2e-3)


def test_ssim_knows_its_range(pair):
    assert torch.allclose(ssim(pair[1], pair[1]), torch.ones(2))
    assert (ssim(1 - pair[1], pair[1]) < 0.2).all()
    with pytest.raises(ValueError, match="11 × 11"):
        ssim(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8))


def test_l1_and_psnr(pair):
    a, b = (x.double().numpy() for x in pair)
    assert l1(*pair).tolist() == pytest.approx([np.abs(x - y).mean() for x, y in zip(a, b)], abs=1e-6)
    assert psnr(*pair).tolist() == pytest.approx([skimage_metrics.peak_signal_noise_ratio(y, x, data_range=1.0) for x, y in zip(a, b)], abs=1e-3)
    assert torch.isinf(psnr(pair[0], pair[0])).all()


def test_csim_is_a_cosine():
    a, b = noise(3, 5), noise(3, 5, seed=1)
    x, y = a.double().numpy(), b.double().numpy()
    assert csim(a, b).tolist() == pytest.approx([u @ v / math.sqrt(u @ u * (v @ v)) for u, v in zip(x, y)], abs=1e-6)
    assert torch.allclose(csim(7 * a, a), torch.ones(3))


def test_mouth_error_by_hand():
    driving = torch.zeros(2, 68, 2)
    driving[:, 36, 0], driving[:, 45, 0], driving[:, 66, 1] = 10.0, 30.0, 6.0  # eyes 20 apart, lips 6
    found = driving.clone()
    found[0, 66, 1], found[1] = 2.0, torch.nan
    assert mouth_opening(driving).tolist() == pytest.approx([0.3, 0.3])
    assert mouth_error(found, driving)[0] == pytest.approx(0.2) and mouth_error(found, driving)[1].isnan()
    assert mouth_error(3 * found + 7, 3 * driving + 7)[0] == pytest.approx(0.2)  # no matter the size, nor where the face is


def test_landmark_error_by_hand():
    driving = torch.zeros(2, 68, 2)
    driving[:, 45] = torch.tensor([30.0, 40.0])  # 50 px between the outer corners of the eyes
    found = driving + torch.tensor([6.0, 8.0])  # each point 10 px off
    found[1, 3] = torch.nan
    error = landmark_error(found, driving)
    assert error[0] == pytest.approx(0.2) and error[1].isnan()
    assert landmark_error(3 * found, 3 * driving)[0] == pytest.approx(0.2)  # no matter the size of the picture


def test_perceptual_by_loops():
    a, b = ([noise(2, 3, 4, 4, seed=s), noise(2, 5, 2, 2, seed=s + 1)] for s in (0, 10))
    for frame, got in enumerate(perceptual(a, b)):
        total = 0.0
        for x, y in zip(a, b):
            x, y = x[frame].double().numpy(), y[frame].double().numpy()
            places = [(r, c) for r in range(x.shape[1]) for c in range(x.shape[2])]
            total += np.mean([np.square(x[:, r, c] / np.linalg.norm(x[:, r, c]) - y[:, r, c] / np.linalg.norm(y[:, r, c])).sum() for r, c in places])
        assert got.item() == pytest.approx(total, rel=1e-5)
    assert perceptual(a, [3 * x for x in a]).abs().max() < 1e-6  # lengths are taken out


def test_perceptual_at_a_place_without_features():
    nothing = [torch.zeros(1, 3, 2, 2)]
    assert perceptual(nothing, nothing).item() == 0


def by_matrix_roots(a, b):
    """tr (Σa Σb)^½ as tr (Σa^½ Σb Σa^½)^½, roots of symmetric matrices by their eigenvalues."""

    def root(matrix):
        values, vectors = np.linalg.eigh(matrix)
        return vectors * np.sqrt(values.clip(0)) @ vectors.T

    a, b = a.double().numpy(), b.double().numpy()
    one, two = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    return np.square(a.mean(0) - b.mean(0)).sum() + np.trace(one + two - 2 * root(root(one) @ two @ root(one)))


@pytest.mark.parametrize("images, size", [(40, 6), (9, 20)])
def test_frechet_by_matrix_roots(images, size):
    """Also with fewer images than features, where the covariances have no inverse."""
    a = noise(images, size) @ noise(size, size, seed=1)
    b = noise(images + 5, size, seed=2) @ noise(size, size, seed=3) + 1
    assert frechet(a, b) == pytest.approx(by_matrix_roots(a, b), rel=1e-5)


def test_frechet_of_known_gaussians():
    """Sets of points with covariance diag(s²): ‖shift‖² + Σ (s − t)²."""
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3) * math.sqrt(7 / 8)
    s, t, shift = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 0.5]), torch.tensor([0.5, 0, -1])
    assert frechet(corners * s, corners * t + shift) == pytest.approx((shift.square().sum() + (s - t).square().sum()).item(), rel=1e-5)


def test_frechet_compares_sets():
    a = noise(12, 4)
    assert frechet(a, a[torch.randperm(12)]) < 1e-9
    with pytest.raises(ValueError, match="at least two images"):
        frechet(a[:1], a)


def test_half_precision_does_not_move_it():
    """Records keep pooled features in half precision."""
    a, b = (torch.relu(noise(30, 64, seed=s)) for s in (0, 1))
    assert frechet(a.half(), b.half()) == pytest.approx(frechet(a, b), rel=2e-3)
