"""Records → means with intervals, differences between systems, and the markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

import torch

from .known import KNOWN, references, with_gaze_error
from .metrics import VARIANTS
from .records import Record
from .statistics import bootstrap, bootstrap_frechet

Cell = tuple[str, int]  #: system, number of source frames
PER_FRAME = ("ssim", "perceptual", "csim", "csim_arcface", "landmark_error", "mouth_error", "failed", "l1", "psnr")
FRECHET, FID = "frechet", "fid"
SETS = {FRECHET: "pooled", FID: "inception"}  #: metrics of sets of frames, and the features they are of
TRUTH: Cell = ("true frames", 0)
FEW = 8  #: people at most, of whom each gets a column of their own besides the means
EACH = ("ssim", "perceptual", "csim", "landmark_error")


def summarise(records: Sequence[Record]) -> dict[str, Any]:
    """group → ``rows`` (a mean with its interval over people for each system and T), ``differences``, ``strangers``.

    A person's value is the mean over their hold-out frames; the interval is a bootstrap over people. All rows of a
    table are about the same people: those whom every system drew. Where some systems drew more (they cost less),
    these have a second table, of all people, under ``GROUP, all``.
    """
    tables: dict[str, Any] = {}
    for group in dict.fromkeys(r.group for r in records):
        found = [r for r in records if r.group == group]
        kept, drawn = shared(found), _drawn(found)
        tables[group] = _group([r for r in found if r.person in kept])
        if rest := drawn[TRUTH] - kept:
            whole = {cell for cell, people in drawn.items() if rest <= people}
            tables[f"{group}, all"] = _group([r for r in found if (r.system, r.sources) in whole])
    return tables


def shared(records: Sequence[Record]) -> set[str]:
    """The people of one group whom every system drew at every T."""
    return set.intersection(*_drawn(records).values())


def _drawn(records: Sequence[Record]) -> dict[Cell, set[str]]:
    people: dict[Cell, set[str]] = {}
    for record in records:
        people.setdefault((record.system, record.sources), set()).add(record.person)
    return people


def _group(records: list[Record]) -> dict[str, Any]:
    cells: dict[Cell, list[Record]] = {}
    for record in with_gaze_error(records):
        cells.setdefault((record.system, record.sources), []).append(record)
    truth = cells[TRUTH]
    rows = [_row(cell, found, truth) for cell, found in cells.items()]
    notes = {r.system: r.note for r in records}
    each = [_one(record) for found in cells.values() for record in found] if len(truth) <= FEW else []
    return {"people": len(truth), "rows": rows, "each": each, "differences": _differences(cells), "strangers": strangers(truth), **references(truth), "notes": notes}


def _one(record: Record) -> dict[str, Any]:
    """One person's means, of what a table of few people shows person by person."""
    means = {metric: next(iter(of_people([record], metric)), None) for metric in EACH}
    return {"person": record.person, "system": record.system, "sources": record.sources, **means}


def values(record: Record, metric: str) -> list[float | None]:
    """One number for each frame; ``failed`` is 1 where the landmark error is missing."""
    if metric == "failed":
        return [float(v is None) for v in record.frames["landmark_error"]]
    return record.frames.get(metric, [])  # some are for rendered people only, or need a file that was not named


def of_people(records: Sequence[Record], metric: str) -> list[float]:
    """Each person's mean; a person without any value is left out."""
    kept = ([v for v in values(r, metric) if v is not None] for r in records)
    return [sum(k) / len(k) for k in kept if k]


def _row(cell: Cell, records: list[Record], truth: list[Record]) -> dict[str, Any]:
    row: dict[str, Any] = {"system": cell[0], "sources": cell[1]}
    for metric in (*PER_FRAME, *KNOWN):
        people = of_people(records, metric)
        row[metric] = bootstrap(people)._asdict() if people else None
    row |= {metric: pooled_distance(records, truth, features, draws=0 if cell == TRUTH else 100) for metric, features in SETS.items()}
    row["fit_seconds"] = sum(r.fit_seconds for r in records) / len(records)
    row["frame_seconds"] = sum(r.frame_seconds for r in records) / len(records)
    return row


def pooled_distance(records: Sequence[Record], truth: Sequence[Record], features: str, draws: int = 100) -> dict[str, Any] | None:
    """Fréchet distance with its interval over people, and the number of images; None where nobody looked at the features."""
    others = {r.person: r.tensors.get(features) for r in truth}
    pairs = [(r.tensors[features], others[r.person]) for r in records if features in r.tensors and others.get(r.person) is not None]
    images = sum(len(a) for a, _ in pairs)
    if images < 2:
        return None
    return bootstrap_frechet(*zip(*pairs, strict=True), draws=draws)._asdict() | {"images": images}


def _differences(cells: dict[Cell, list[Record]]) -> list[dict[str, Any]]:
    """Person by person, which is far sharper than two intervals side by side: each later system of the table less
    each earlier one at the same T, and each system at one T less itself at the T before."""
    systems = [c for c in cells if c != TRUTH]
    pairs = [(b, a) for a, b in combinations(systems, 2) if a[1] == b[1]]
    for name in dict.fromkeys(c[0] for c in systems):
        pairs += [(b, a) for a, b in pairwise(sorted((c for c in systems if c[0] == name), key=lambda c: c[1]))]
    return [{"of": b, "less": a, **{m: difference(cells[b], cells[a], m) for m in (*PER_FRAME, *KNOWN)}} for b, a in pairs]


def difference(of: Sequence[Record], less: Sequence[Record], metric: str) -> dict[str, Any] | None:
    """Mean difference on people and frames that both have a value for, with its interval."""
    others, people = {r.person: r for r in less}, []
    for record in of:
        if record.person in others:
            pairs = zip(values(record, metric), values(others[record.person], metric), strict=True)
            if both := [x - y for x, y in pairs if x is not None and y is not None]:
                people.append(sum(both) / len(both))
    return bootstrap(people)._asdict() if people else None


def strangers(truth: Sequence[Record]) -> float | None:
    """Mean cosine of the identity embeddings of true frames of different people: where CSIM's scale begins."""
    if len(truth) < 2:
        return None
    unit = [torch.nn.functional.normalize(r.tensors["identity"].double(), dim=1).mean(0) for r in truth]
    return sum((a @ b).item() for a, b in combinations(unit, 2)) / (len(unit) * (len(unit) - 1) / 2)


def markdown(summary: dict[str, Any], about: dict[str, Any]) -> str:
    """Tables for people to read, then every variant and setting that is needed to get them again."""
    parts, used = ["# Evaluation", ""], set()
    for group, found in summary.items():
        main, known = (present(found, metrics) for metrics in ((*PER_FRAME, *SETS), KNOWN))
        used |= {*main, *known}
        parts += [f"## {titled(group)} ({found['people']})", "", *table_lines(found, main, seconds=True), "", *_readings(found), ""]
        if known:
            parts += ["What only rendered people allow, whose pose, gaze and image in another's motion are known:", "", *table_lines(found, known), "", *_known_readings(found), ""]
        for metric in EACH if found["each"] else ():
            parts += [f"{VARIANTS[metric][0]}, person by person:", "", *each_lines(found, metric), ""]
        parts += ["Differences, person by person:", "", *_difference_table(found["differences"], found["people"]), ""]
    if retrieval := about.get("retrieval"):
        parts += ["## Embeddings", "", retrieval_line(retrieval), ""]
    parts += ["## What the numbers are", ""] + [f"- {name}: {what}" for metric, (name, what) in VARIANTS.items() if metric in used]
    parts += ["- [ ]: 95 % interval by bootstrap over people; too narrow for fewer than about ten.", "", "## To get them again", ""]
    return "\n".join(parts + [f"- {key}: {value}" for key, value in about.items() if key != "retrieval"]) + "\n"


def titled(group: str) -> str:
    """Heading of a table: "rendered" → "Rendered people"."""
    group, _, rest = group.partition(", ")
    return f"{group.capitalize()} people" + ", all of them: systems that need no fine-tuning" * bool(rest)


def present(found: dict[str, Any], metrics: Sequence[str]) -> list[str]:
    """Those that have a value in some row."""
    return [m for m in metrics if any(row[m] is not None for row in found["rows"])]


def table_lines(found: dict[str, Any], metrics: Sequence[str], seconds: bool = False) -> list[str]:
    """A group of ``summarise`` as lines of markdown, with intervals."""
    head = ["system", "T", *(VARIANTS[m][0] for m in metrics), *(["s to fit", "s a frame"] if seconds else [])]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in found["rows"]:
        cells = [row["system"], str(row["sources"] or "–"), *(_shown(row[m], found["people"]) for m in metrics)]
        lines.append("| " + " | ".join([*cells, *([f"{row['fit_seconds']:.2f}", f"{row['frame_seconds']:.3f}"] if seconds else [])]) + " |")
    return lines


def each_lines(found: dict[str, Any], metric: str) -> list[str]:
    """One metric of every person of a small group, as lines of markdown."""
    cells: dict[Cell, dict[str, float | None]] = {}
    for one in found["each"]:
        cells.setdefault((one["system"], one["sources"]), {})[one["person"]] = one[metric]
    people = list(next(iter(cells.values())))
    lines = ["| system | T | " + " | ".join(people) + " |", "|" + " --- |" * (2 + len(people))]
    for (system, sources), values_of in cells.items():
        shown = ["–" if (value := values_of.get(p)) is None else f"{value:.3f}" for p in people]
        lines.append("| " + " | ".join([system, str(sources or "–"), *shown]) + " |")
    return lines


def _readings(found: dict[str, Any]) -> list[str]:
    known = "" if found["strangers"] is None else f" Other people's CSIM (true frames of different people): {found['strangers']:.3f}."
    rest = "" if found.get("mouth_at_rest") is None else f" A mouth that rests at its mean has a mouth error of {found['mouth_at_rest']:.3f}."
    return [f"{'; '.join(f'{name}: {note}' for name, note in found['notes'].items())}.{known}{rest}"]


def _known_readings(found: dict[str, Any]) -> list[str]:
    """The sentences that the columns are to be read beside."""
    said = []
    if found.get("looking_ahead") is not None:
        said.append(f"Looking at the mean all the time would have a gaze error of {found['looking_ahead']:.1f} degrees; what is not below that follows no gaze.")
    if found.get("mismatch") is not None:
        said.append(f"The driver's points lie {found['mismatch']:.3f} from the person's own in the same motion: a system that follows them exactly has that cross landmark error.")
    return [" ".join(said)]


def _difference_table(differences: list[dict[str, Any]], people: int) -> list[str]:
    shown = [m for m in ("ssim", "perceptual", "csim", "csim_arcface", "landmark_error", "mouth_error", "pose_error", "cross_perceptual") if any(d[m] for d in differences)]
    lines = ["| difference | " + " | ".join(VARIANTS[m][0] for m in shown) + " |", "|" + " --- |" * (len(shown) + 1)]
    for d in differences:
        (of, t), (less, s) = d["of"], d["less"]
        lines.append(f"| {of} ({t}) − {less} ({s}) | " + " | ".join(_shown(d[m], people) for m in shown) + " |")
    return lines


def _shown(value: dict[str, Any] | None, people: int = 0) -> str:
    """``people``: of the table; a number that fewer stand behind says so."""
    if value is None:
        return "–"
    digits = 1 if abs(value["mean"]) >= 10 else 3
    interval = "" if value.get("low") is None else f" [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"
    fewer = f" ({value['people']} of {people} people)" if value.get("people", people) < people else ""
    return f"{value['mean']:.{digits}f}{interval}{fewer}"


def retrieval_line(found: dict[str, Any]) -> str:
    share = found["embedding"]
    return (
        f"The nearest neighbour of an unseen person's single frame, among the frames of another motion of all {found['people']} people, is that person in "
        f"{100 * share['mean']:.1f} % of cases{'' if share['low'] is None else ' [{:.1f}, {:.1f}]'.format(100 * share['low'], 100 * share['high'])} by the cosine of "
        f"embeddings; {100 * found['pixels']['mean']:.1f} % by pixels, {100 * found['chance']:.1f} % by chance."
    )
