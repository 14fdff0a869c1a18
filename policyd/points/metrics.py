"""What operators count and watch; no subject, host or dataset is ever a label."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from policyd.model.decision import Decision

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decisions = Counter(
            "policyd_decisions", "Decisions answered", ["decision"], registry=self.registry
        )
        self._reasons = Counter(
            "policyd_reasons", "Failing checks of denials", ["code"], registry=self.registry
        )
        self.outcomes = Counter(
            "policyd_outcomes", "Outcomes reported", ["status"], registry=self.registry
        )
        self._refusals = Counter(
            "policyd_refusals",
            "Requests that were not judged",
            ["code"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "policyd_check_seconds",
            "From a well-formed check to its durable record",
            buckets=_SECONDS,
            registry=self.registry,
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
        self._decisions.labels("allow" if decision.allow else "deny").inc()
        for code in {reason.code for reason in decision.reasons}:
            self._reasons.labels(code).inc()
        self._seconds.observe(seconds)

    def refused(self, code: str) -> None:
        """Count one request that was not judged."""
        self._refusals.labels(code).inc()

    def text(self) -> bytes:
        """All of it in the Prometheus text format."""
        return generate_latest(self.registry)
