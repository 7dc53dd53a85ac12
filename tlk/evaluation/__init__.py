"""Floor 5: what a result is worth. Metrics with their variants named, the systems that are compared, the table.

    python -m tlk.evaluation --model heads-64        # the table; resumes where it stopped
"""

from .metrics import csim, frechet, l1, landmark_error, perceptual, psnr, ssim
from .subjects import Subject, real, rendered
from .systems import System, standard_systems

__all__ = [
    "Subject", "System", "csim", "frechet", "l1", "landmark_error", "perceptual", "psnr", "real", "rendered", "ssim",
    "standard_systems",
]  # fmt: skip
