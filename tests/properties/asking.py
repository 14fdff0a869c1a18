"""Strategies for calls and the moments at which they are asked."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import product
from operator import add

from hypothesis import strategies as st

from policyd.model.call import Call, Entity
from policyd.model.facts import Facts
from policyd.model.rules import ACTIONS
from tests.properties.world import (
    DATASETS,
    DUTIES,
    FIELDS,
    INTEGRATIONS,
    MOMENTS,
    PLACES,
    UNITS,
    WORDS,
)

label_words = st.lists(
    st.sampled_from([*WORDS.levels, *sorted(WORDS.categories), "secret"]), max_size=3
).map(tuple)
facts = st.builds(
    lambda moment, off: Facts(moment + timedelta(milliseconds=off)),
    st.sampled_from(MOMENTS),
    st.integers(-90_000, 90_000),
)


def targets(datasets: Iterable[str], places: Iterable[str]) -> list[tuple[str, str, str]]:
    """Every action with every dataset, at the connection of every place where that makes sense."""
    return [
        (action, data, f"{place}/api")
        for action, data, place in product(ACTIONS, datasets, places)
        if (place == data.partition("/")[0]) is (action != "send")
    ]


def somewhere(
    datasets: Iterable[str], places: Iterable[str]
) -> st.SearchStrategy[tuple[str, str, str]]:
    """One of the `targets`, every action as often as the others."""
    found = targets(datasets, places)
    return st.one_of(
        *(st.sampled_from([each for each in found if each[0] == action]) for action in ACTIONS)
    )


_paths = st.sampled_from([None, "x"])
_supported = st.sampled_from([DUTIES, DUTIES, DUTIES[:1]])
_few_words = st.just(()) | label_words


@st.composite
def sensible(
    draw: st.DrawFn,
    subjects: st.SearchStrategy[str],
    where: st.SearchStrategy[tuple[str, str, str]],
    fields: st.SearchStrategy[list[str]],
) -> Call:
    """A call that says all it has to; whether it may run depends on the company."""
    action, data, endpoint = draw(where)
    return Call(
        subject=Entity("integration", draw(subjects)),
        action=action,
        resource=Entity("dataset", data),
        fields=tuple(draw(fields)),
        labels=draw(_few_words),
        endpoint=endpoint,
        path=draw(_paths),
        method="POST",
        supported_obligations=draw(_supported),
    )


sensible_calls = sensible(
    st.sampled_from(INTEGRATIONS),
    somewhere(DATASETS, PLACES),
    st.lists(st.sampled_from([*FIELDS, "other"]), max_size=3),
)

# Half surrogate pairs and controls too: deciding is total even where the wire would refuse.
_NASTY = ["\ud800", "\udfff", "\x00", "\u202e", "*", "/*", "/", "..", "%", "%2e", "?", "#", "ä"]
noise = st.lists(
    st.sampled_from([*_NASTY, "everyone", "nobody", "-"]) | st.text(max_size=4), max_size=4
).map("".join)
_endpoints = st.one_of(
    st.sampled_from(["crm/api", "https://crm.example/", "https://flows.example:443", "sftp://a.b"]),
    st.builds("https://{}/{}".format, noise, noise),
    st.builds("https://crm.example/{}".format, noise),
)


def _or_noise(*known: str) -> st.SearchStrategy[str]:
    return st.sampled_from(known) | noise


wild_calls = st.builds(
    Call,
    subject=st.builds(Entity, _or_noise("integration", "user"), _or_noise(*INTEGRATIONS, *UNITS)),
    action=_or_noise(*ACTIONS, "", "READ", "*"),
    resource=st.builds(Entity, _or_noise("dataset", "table"), _or_noise(*DATASETS, "erp/*", "*")),
    fields=st.lists(_or_noise(*FIELDS), max_size=4).map(tuple),
    labels=st.lists(_or_noise("restricted", "personal"), max_size=3).map(tuple),
    endpoint=st.none() | _endpoints | noise,
    path=st.none() | noise,
    method=st.none() | _or_noise("GET", "POST"),
    on_behalf_of=st.lists(st.builds(Entity, noise, noise), max_size=2).map(tuple),
    rows=st.none() | st.integers(),
    bytes=st.none() | st.integers(),
    purpose=st.none() | noise,
    traceparent=st.none() | noise,
    supported_obligations=st.lists(_or_noise(*DUTIES), max_size=3).map(tuple),
)
Asks = list[tuple[Call, Facts]]
asks: st.SearchStrategy[Asks] = st.builds(
    add,
    st.lists(st.tuples(sensible_calls, facts), min_size=3, max_size=8),
    st.lists(st.tuples(wild_calls, facts), max_size=2),
)
"""Some calls that make sense, then some that need not, each with its moment."""
