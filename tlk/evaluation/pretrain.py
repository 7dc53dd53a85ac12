"""``python -m tlk.evaluation.pretrain``: train a compared system on the meta-training set; resumable.

The options are those of ``python -m tlk.learning``, which trains ours. With the same --people, --frames, --seed and
--steps a compared system has the budget of ours: the same episodes, as many steps.
"""

from __future__ import annotations

import sys

from tlk.learning.__main__ import parser, run

from .compared import SYSTEMS
from .pretraining import Preview


def main(arguments: list[str] | None = None) -> int:
    p = parser("python -m tlk.evaluation.pretrain", "Train a compared system on the meta-training set; resumable.")
    p.add_argument("--system", choices=SYSTEMS, required=True)
    options = p.parse_args(arguments)
    try:
        run(options, SYSTEMS[options.system], Preview)
    except ValueError as error:
        print(f"python -m tlk.evaluation.pretrain: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
