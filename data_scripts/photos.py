"""Photos → clips. A folder of photos of one person becomes one clip; single photos become a clip each.

    python -m data_scripts.photos photos/me --clip clips/me
    python -m data_scripts.photos people/* --out sets/people          each folder a person

With several faces in a photo the largest is taken. Photos without a face are left out and named.
"""

from __future__ import annotations

import sys

from .video import options_of, run, sources


def main(arguments: list[str] | None = None) -> int:
    options = options_of("photos", __doc__, 1).parse_args(arguments)
    return run(options, lambda: sources(options.paths, None, options.hold_out))


if __name__ == "__main__":
    sys.exit(main())
