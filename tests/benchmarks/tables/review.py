"""Table `review`: a change of ten rules among a thousand, proved and told."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter, process_time
from typing import Any

import yaml

from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Comparison, Verdict
from policyd.review.changes import changes
from policyd.review.lint.subject import loaded
from policyd.review.regions import regions_told
from policyd.review.reviewing import proved, review
from policyd.review.revisions import Pair, Version, of
from tests.benchmarks.company import Company
from tests.benchmarks.company_files import files
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Column, Table, at_most

RULES, CHANGED = 1_000, 10
REACH_S = 1.0
COLUMNS = [
    Column("what", "what"),
    Column("wall", "took", "s"),
    Column("cpu", "of the processor", "s"),
    Column("found", "found"),
]


def run(plan: Plan) -> Table:
    """Change ten rules of a thousand, each in another unit and so that it covers more."""
    table = Table("review", f"A review of {CHANGED} changed rules among {RULES:,}", COLUMNS)
    found = changed_pair()
    sides = sides_of(found)
    changed = changes(found, sides)
    assert len(changed) == CHANGED, [each.ref for each in changed]
    known = proved(*sides)
    assert known.verdict is Verdict.WIDENS
    assert not known.gaps
    steps: dict[str, Callable[[], Any]] = {
        "both trees loaded": lambda: sides_of(found),
        "the semantic difference": lambda: changes(found, sides),
        "the proof": lambda: proved(*sides),
        "the causes": lambda: regions_told(known, changed, sides),
        "all of a review": lambda: review(found),
    }
    for what, step in steps.items():
        plan.say(what)
        wall, cpu = _timed(step, plan.rounds)
        told = _regions(known) if what == "the proof" else None
        table.rows.append({"what": what, "wall": wall, "cpu": cpu, "found": told})
        if what == "the proof":
            table.goals.append(at_most("11", "proof of 10 changed rules", REACH_S, wall, " s"))
    return table


def changed_pair() -> Pair:
    """The company, and the same after the change."""
    tree = files(Company(RULES))
    base = Version("base", None, tree, (), {}, ())
    units = sorted(path for path in tree if path.endswith("/access.yaml") and "units" in path)
    edited = {path: _widened(tree[path]) for path in units[:CHANGED]}
    return of(base, replace(base, name="head", files={**tree, **edited}))


def _widened(source: bytes) -> bytes:
    """A unit's rules, the first allow of which is about a whole system now."""
    said = yaml.safe_load(source)
    rule = next(r for r in said["allow"].values() if not r.get("read", ["/*"])[0].endswith("/*"))
    rule["read"] = [f"{rule['read'][0].partition('/')[0]}/*"]
    return yaml.safe_dump(said, sort_keys=False).encode()


def sides_of(found: Pair) -> tuple[Snapshot, Snapshot]:
    """The snapshots of both versions."""
    old, new = (loaded(each.files)[0] for each in (found.base, found.head))
    assert old is not None
    assert new is not None
    return old[1], new[1]


def _timed(step: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Medians of the wall's and of the processor's seconds."""
    walls, cpus = [], []
    for _ in range(rounds):
        start, used = perf_counter(), process_time()
        step()
        walls.append(perf_counter() - start)
        cpus.append(process_time() - used)
    return median(walls), median(cpus)


def _regions(found: Comparison) -> str:
    return f"{len(found.opens)} regions open, {len(found.closes)} close"
