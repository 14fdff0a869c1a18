"""What is counted in plain numbers is read as Prometheus would have counted it."""

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from policyd.model.decision import Decision, Reason, Resolved
from policyd.model.labels import Label
from policyd.points.metrics import Metrics

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
RESOLVED = Resolved(None, (), None, None, "erp", Label(0, frozenset()), None, None, None)


def decided(*codes: str) -> Decision:
    """A denial with these reasons; an allow if there are none."""
    reasons = tuple(Reason(code, "check", "said", "fix", "whom", "it") for code in codes)
    return Decision(not codes, reasons, 0, (), RESOLVED, None)


def samples(text: bytes) -> dict[tuple[str, str], float]:
    """The samples by name and label."""
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("seconds", [[], [0.0], [0.0005, 0.00050001], [2.5, 2.6, 1e9], [0.003] * 5])
def test_times_fall_where_a_histogram_has_them(seconds: Sequence[float]) -> None:
    """Buckets, count and sum are those of Prometheus's own histogram, at its bounds too."""
    metrics, registry = Metrics(), CollectorRegistry()
    known = Histogram("policyd_check_seconds", "-", buckets=BOUNDS, registry=registry)
    for each in seconds:
        metrics.answered(decided(), each)
        known.observe(each)
    told = samples(metrics.text())
    for family in known.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                name, label = sample.name, "".join(sample.labels.values())
                assert told[name, label] == pytest.approx(sample.value)


def test_decisions_reasons_and_refusals_are_counted() -> None:
    """A code counts once for each denial, however many rules give it."""
    metrics = Metrics()
    metrics.answered(decided(), 0.001)
    metrics.answered(decided("a", "a", "b"), 0.001)
    metrics.answered(decided("b"), 0.001)
    metrics.refused("call-malformed")
    told = samples(metrics.text())
    counted = {place: value for place, value in told.items() if place[0].endswith("_total")}
    assert counted == {
        ("policyd_decisions_total", "allow"): 1,
        ("policyd_decisions_total", "deny"): 2,
        ("policyd_reasons_total", "a"): 1,
        ("policyd_reasons_total", "b"): 2,
        ("policyd_refusals_total", "call-malformed"): 1,
    }
