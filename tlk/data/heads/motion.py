"""``Motion``: pose, expression and gaze over time, smooth, from a seed or set by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlk.data.heads.asset import load_asset

YAW, PITCH, ROLL = 45.0, 25.0, 20.0  #: largest angles in degrees


def smooth_noise(seed: list[int], seconds: np.ndarray, rate: float) -> np.ndarray:
    """Noise of unit variance with ``rate`` knots a second, by cubic interpolation. Longer tracks begin alike."""
    knots = np.random.default_rng(seed).standard_normal(int(seconds[-1] * rate) + 4)
    place = seconds * rate
    i = place.astype(int)
    f = place - i
    p = [knots[i + k] for k in range(4)]
    return 0.5 * (2 * p[1] + (p[2] - p[0]) * f + (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]) * f**2 + (3 * p[1] - p[0] - 3 * p[2] + p[3]) * f**3) * 1.15


def soft_limit(x: np.ndarray, limit: float) -> np.ndarray:
    """Close to x where small, never beyond ± limit."""
    return limit * np.tanh(x / limit)


@dataclass(init=False)
class Motion:
    """A track: ``pose`` (f, 3) yaw, pitch, roll in degrees (positive: to the person's left, up, to the person's left
    shoulder), ``expression`` (f, 52) in the order of ``Motion.units()``, ``gaze`` (f, 2) degrees to the person's left and up,
    relative to the head.

    ``Motion(seed, frames)`` talks, blinks and looks about; frame i lies at i / fps seconds, so a lower ``fps`` spreads
    the same frames over a longer time. ValueError for fewer than one frame or ``fps`` not above zero.
    """

    pose: np.ndarray
    expression: np.ndarray
    gaze: np.ndarray
    fps: float

    def __init__(self, seed: int, frames: int = 50, fps: float = 25.0):
        if frames < 1 or fps <= 0:
            raise ValueError(f"a motion needs at least one frame and a positive rate, not frames={frames}, fps={fps}")
        self.fps = fps
        seconds = np.arange(frames) / fps
        self.pose, self.gaze = _pose(seed, seconds), _gaze(seed, seconds)
        self.expression = _expression(seed, seconds, self.gaze)

    @staticmethod
    def units() -> list[str]:
        """The 52 names of expression values, alphabetical as ARKit's."""
        return list(load_asset().unit.names)

    @classmethod
    def still(cls, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, gaze: tuple[float, float] = (0.0, 0.0), frames: int = 1, **units: float) -> Motion:
        """One pose held. ``units``: expression values in [0, 1] by name, e.g. ``jawOpen=0.5``.

        Raises ValueError for an unknown unit, a value outside [0, 1] or an angle beyond what the neck allows.
        """
        for name, value, limit in (("yaw", yaw, YAW), ("pitch", pitch, PITCH), ("roll", roll, ROLL), ("gaze", max(map(abs, gaze)), 40)):
            if not abs(value) <= limit:
                raise ValueError(f"{name}={value} is outside ±{limit} degrees")
        names = cls.units()
        expression = np.zeros(len(names))
        for name, value in units.items():
            if name not in names:
                raise ValueError(f"unknown expression unit {name!r}; Motion.units() lists the 52 names")
            if not 0 <= value <= 1:
                raise ValueError(f"{name}={value}: expression values lie between 0 and 1")
            expression[names.index(name)] = value
        follow = _lids(np.array([gaze], float))
        for name, value in follow.items():
            expression[names.index(name)] = max(expression[names.index(name)], value[0])
        repeat = lambda row: np.repeat(np.array([row], np.float32), frames, 0)
        return cls.of(repeat([yaw, pitch, roll]), repeat(expression), repeat(gaze))

    @classmethod
    def of(cls, pose: np.ndarray, expression: np.ndarray, gaze: np.ndarray, fps: float = 25.0) -> Motion:
        """From arrays of the shapes above. Raises ValueError when their lengths differ."""
        if not len(pose) == len(expression) == len(gaze):
            raise ValueError(f"pose, expression and gaze must be equally long, not {len(pose)}, {len(expression)}, {len(gaze)}")
        motion = cls.__new__(cls)
        motion.pose, motion.expression, motion.gaze, motion.fps = np.float32(pose), np.float32(expression), np.float32(gaze), fps
        return motion

    def __len__(self) -> int:
        return len(self.pose)

    def __getitem__(self, index: slice | list[int]) -> Motion:
        return Motion.of(self.pose[index], self.expression[index], self.gaze[index], self.fps)


def _pose(seed: int, t: np.ndarray) -> np.ndarray:
    """Slow turning about a pose that the person prefers, plus small nods."""
    r = np.random.default_rng([seed, 1])
    spread = r.uniform(0.5, 1.3)
    centre = r.normal(0, [11, 4, 3])
    columns = []
    for k, (slow, quick, limit) in enumerate(((15, 2.5, YAW), (6, 2.5, PITCH), (5.5, 1.2, ROLL))):
        x = centre[k] + spread * (slow * smooth_noise([seed, 2, k], t, 0.45) + quick * smooth_noise([seed, 3, k], t, 1.6))
        columns.append(soft_limit(x, limit))
    return np.stack(columns, 1).astype(np.float32)


def _gaze(seed: int, t: np.ndarray) -> np.ndarray:
    """Glances: held directions with quick moves between them, drawn to the camera."""
    step = np.floor(t * 1.4).astype(int)
    home, aside = np.random.default_rng([seed, 4]).random((step[-1] + 2, 1)), np.random.default_rng([seed, 10]).standard_normal((step[-1] + 2, 2))
    held = np.where(home < 0.45, 0.0, aside * [11, 5.5])
    f = np.clip((t * 1.4 - step - 0.85) / 0.15, 0, 1)[:, None]
    return soft_limit(held[step] * (1 - f) + held[step + 1] * f, 26.0).astype(np.float32)


def _lids(gaze: np.ndarray) -> dict[str, np.ndarray]:
    """Lids follow the gaze. Left and right are the person's."""
    left, up = gaze[:, 0] / 30, gaze[:, 1] / 25
    clip = lambda x: np.clip(x, 0, 1)
    return {
        "eyeLookOutLeft": clip(left), "eyeLookInRight": clip(left), "eyeLookInLeft": clip(-left), "eyeLookOutRight": clip(-left),
        "eyeLookUpLeft": clip(up), "eyeLookUpRight": clip(up), "eyeLookDownLeft": clip(-up), "eyeLookDownRight": clip(-up),
    }


def _blinks(seed: int, t: np.ndarray) -> np.ndarray:
    """0 open … 1 shut; a blink takes about 0.3 s."""
    r = np.random.default_rng([seed, 5])
    starts = np.cumsum(r.gamma(3, 1.1, int(t[-1]) + 3))
    since = t[:, None] - starts[None]
    return np.clip(np.where((since > 0) & (since < 0.32), np.sin(np.pi * np.clip(since / 0.32, 0, 1)) * 1.4, 0).max(1), 0, 1)


def _speech(seed: int, t: np.ndarray) -> dict[str, np.ndarray]:
    """Syllables at about 4 a second inside phrases; jaw, lips and corners move at their own pace."""
    n = lambda k, rate: smooth_noise([seed, 6, k], t, rate)
    talk = np.clip(0.5 + 1.1 * n(0, 0.7) + np.random.default_rng([seed, 7]).normal(0.45, 0.35), 0, 1)
    jaw = talk * np.clip(0.24 + 0.26 * n(1, 7), 0, 0.85)
    round_ = talk * np.clip(0.35 * n(2, 4), 0, 0.7)
    wide = talk * np.clip(0.3 * n(3, 4), 0, 0.6)
    return {
        "jawOpen": jaw, "mouthFunnel": round_ * 0.8, "mouthPucker": talk * np.clip(0.3 * n(4, 4), 0, 0.7),
        "mouthStretchLeft": wide, "mouthStretchRight": wide, "mouthLowerDownLeft": talk * np.clip(0.3 * n(5, 6), 0, 0.7),
        "mouthLowerDownRight": talk * np.clip(0.3 * n(5, 6), 0, 0.7), "mouthUpperUpLeft": talk * np.clip(0.25 * n(6, 6), 0, 0.6),
        "mouthUpperUpRight": talk * np.clip(0.25 * n(6, 6), 0, 0.6), "mouthPressLeft": talk * np.clip(0.2 * n(7, 6), 0, 0.5),
        "mouthPressRight": talk * np.clip(0.2 * n(7, 6), 0, 0.5), "mouthClose": np.clip(0.25 * n(8, 4), 0, 1) * jaw,
    }


def _mood(seed: int, t: np.ndarray) -> dict[str, np.ndarray]:
    """Smiles, frowns and brows, slowly; the two sides differ a little."""
    r = np.random.default_rng([seed, 8])
    bias, skew = r.normal(0, 0.25, 4), r.normal(0, 0.12, 4)
    n = lambda k, rate: smooth_noise([seed, 9, k], t, rate)
    mood = bias[0] + 0.15 + 0.5 * n(0, 0.35)
    brows = bias[1] + 0.5 * n(1, 0.9)
    squint = np.clip(0.6 * bias[2] + 0.25 * n(2, 0.6), 0, 0.6)
    both = lambda name, x, k: {f"{name}Left": np.clip(x * (1 + skew[k]), 0, 1), f"{name}Right": np.clip(x * (1 - skew[k]), 0, 1)}
    return (
        both("mouthSmile", np.clip(mood, 0, 0.95), 0) | both("cheekSquint", np.clip(mood - 0.3, 0, 0.7), 0)
        | both("mouthFrown", np.clip(-0.5 * mood - 0.1, 0, 0.45), 1) | both("browOuterUp", np.clip(brows - 0.1, 0, 0.9), 2)
        | {"browInnerUp": np.clip(brows + 0.2 * n(3, 0.9), 0, 0.9)} | both("browDown", np.clip(-0.5 * brows - 0.1, 0, 0.45), 2)
        | both("eyeSquint", squint, 3) | both("eyeWide", np.clip(0.6 * brows - 0.3, 0, 0.5), 3)
        | both("noseSneer", np.clip(0.2 * n(4, 0.5) - 0.2, 0, 0.3), 1)
    )


def _expression(seed: int, t: np.ndarray, gaze: np.ndarray) -> np.ndarray:
    names = load_asset().unit.names
    values = np.zeros((len(t), len(names)), np.float32)
    for part in (_speech(seed, t), _mood(seed, t), _lids(gaze)):
        for name, value in part.items():
            values[:, names.index(name)] += value
    shut = _blinks(seed, t)
    for side in ("Left", "Right"):
        values[:, names.index(f"eyeBlink{side}")] = shut
        values[:, names.index(f"eyeWide{side}")] *= 1 - shut
        values[:, names.index(f"eyeSquint{side}")] *= 1 - shut
    return np.clip(values, 0, 1)
