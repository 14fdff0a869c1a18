"""What lint says of rules, held to the proof: what it calls superfluous can be taken out."""

import random
from dataclasses import replace

import pytest

from policyd.model.rules import Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from policyd.proof.promises import grants
from policyd.proof.proving import Verdict, compare
