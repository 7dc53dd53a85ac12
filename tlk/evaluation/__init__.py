"""Floor 5: what a result is worth. Metrics with their variants named, the systems that are compared, the table.

    python -m tlk.evaluation --model heads-64        # the table; resumes where it stopped
    python -m tlk.evaluation.ablations               # the paper's ablations of fine-tuning
    python -m tlk.evaluation.spoiled                 # what fools each metric
"""

from .answers import Study, accuracy, read_answers, study_table
from .metrics import csim, frechet, l1, landmark_error, perceptual, psnr, ssim
from .study import make_triplets, own_sitters, rendered_sitters
from .subjects import Subject, real, rendered
from .systems import System, standard_systems

__all__ = [
    "Study", "Subject", "System", "accuracy", "csim", "frechet", "l1", "landmark_error", "make_triplets", "own_sitters", "perceptual",
    "psnr", "read_answers", "real", "rendered", "rendered_sitters", "ssim", "standard_systems", "study_table",
]  # fmt: skip
