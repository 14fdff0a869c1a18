"""Whole numbers in the bodies of requests, as their description has them."""

from typing import Annotated

from pydantic import BeforeValidator, Field


def whole(number: object) -> object:
    """The number as JSON Schema counts it: 12.0 is as whole as 12."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


# Exact in every JSON reader (I-JSON).
Count = Annotated[int, Field(ge=0, lt=2**53), BeforeValidator(whole)]
