"""Floor 4: meta-learning, personalisation, checkpoints."""

from .checkpoints import BadCheckpoint
from .finetune import FineTuning
from .head import Head
from .meta import MetaLearning
from .model import Model, load
from .objective import gradient_shares
from .row_adam import RowAdam
from .starting import start_from
from .stepper import Report
from .weights import LossWeights

__all__ = ["BadCheckpoint", "FineTuning", "Head", "LossWeights", "MetaLearning", "Model", "Report", "RowAdam", "gradient_shares", "load", "start_from"]
