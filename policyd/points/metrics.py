"""What operators count and watch; no subject, host or dataset is ever a label.

What is counted with every check is counted in plain numbers, and put in Prometheus's shape only
when somebody looks.
"""

from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from policyd.model.decision import Decision

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class _Checks(Collector):
    """What every check counts: three counters by one label each, and the time it took."""

    def __init__(self) -> None:
        self.decisions: Counts[str] = Counts()
        self.reasons: Counts[str] = Counts()
        self.refusals: Counts[str] = Counts()
        self.seconds = 0.0
        self.by_time = [0] * (len(_SECONDS) + 1)  # up to each of the bounds, and beyond the last

    def collect(self) -> Iterable[Metric]:
        """The counts in Prometheus's shape."""
        yield _counter("decisions", "Decisions answered", "decision", self.decisions)
        yield _counter("reasons", "Failing checks of denials", "code", self.reasons)
        yield _counter("refusals", "Requests that were not judged", "code", self.refusals)
        buckets, total = [], 0
        for bound, count in zip((*map(str, _SECONDS), "+Inf"), self.by_time, strict=True):
            total += count
            buckets.append((bound, float(total)))
        yield HistogramMetricFamily(
            "policyd_check_seconds",
            "From a well-formed check to its durable record",
            buckets=buckets,
            sum_value=self.seconds,
        )


def _counter(name: str, meaning: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"policyd_{name}", meaning, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._checks = _Checks()
        self.registry.register(self._checks)
        self.outcomes = Counter(
            "policyd_outcomes", "Outcomes reported", ["status"], registry=self.registry
        )
        self.reloads = Counter(
            "policyd_reloads", "Attempts to reload policy", ["result"], registry=self.registry
        )
        self.ready = Gauge("policyd_ready", "1 if checks are answered", registry=self.registry)

    def watch(self, name: str, meaning: str) -> Gauge:
        """A gauge for a value that somebody else keeps; set its function."""
        return Gauge(name, meaning, registry=self.registry)

    def answered(self, decision: Decision, seconds: float) -> None:
        """Count one decision whose record is durable."""
        checks = self._checks
        checks.decisions["allow" if decision.allow else "deny"] += 1
        if decision.reasons:
            checks.reasons.update({reason.code for reason in decision.reasons})
        checks.seconds += seconds
        checks.by_time[bisect_left(_SECONDS, seconds)] += 1

    def refused(self, code: str) -> None:
        """Count one request that was not judged."""
        self._checks.refusals[code] += 1

    def text(self) -> bytes:
        """All of it in the Prometheus text format."""
        return generate_latest(self.registry)
