"""The catalogue: systems, their datasets, and the logical names of their connections."""

from collections.abc import Mapping
from dataclasses import dataclass

from policyd.model.labels import Label


@dataclass(frozen=True, slots=True)
class System:
    """Something the company runs or uses; it lives at the destination of its name.

    `unit` is the business unit that owns its data and may forbid flows of it, if one does.
    """

    name: str
    kind: str  # record or engagement
    owner: str
    title: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """What one dataset is: the worst label inside, and the milder labels of named fields."""

    id: str  # system/dataset
    label: Label
    fields: Mapping[str, Label]
