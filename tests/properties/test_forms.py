"""Forms for other systems: whatever is recorded, what is told of it is valid and can be proved."""

import json
from random import Random  # noqa: TID251 - seeded

from hypothesis import given, settings
from hypothesis import strategies as st

from policyd.forms import cloudevents, ocsf
from policyd.forms.entry import Entry
from policyd.forms.openlineage import Hours
from policyd_audit.tree import leaf_hash
from tests.properties.logged import TEXTS, Drawing
from tests.published_formats import validator

ORIGIN = "policyd.example/log"


def entries(seed: int) -> list[Entry]:
    """A log of any records there can be."""
    random = Random(seed)  # noqa: S311 - for tests
    leaves = Drawing(random, random.sample(TEXTS, 5)).log(40)
    return [Entry.of(ORIGIN, seq, leaf) for seq, leaf in enumerate(leaves)]


@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_whatever_is_recorded_can_be_told(seed: int) -> None:
    """Each record as OCSF and as a CloudEvent, with its bytes inside; flows as OpenLineage."""
    events, bus, catalogue = map(validator, ("ocsf_6003", "cloudevents_1_0", "openlineage_2_0_2"))
    hours, told = Hours(), []
    for entry in entries(seed):
        made = ocsf.event(entry)
        events.validate(made)
        assert leaf_hash(made["raw_data"].encode()) == leaf_hash(entry.leaf)
        event = cloudevents.event(entry)
        bus.validate(json.loads(event))
        assert entry.leaf in event
        told += hours.add(entry)
    told += hours.end()
    for flow in told:
        catalogue.validate(flow)
    assert len({each["run"]["runId"] for each in told}) == len(told)
