"""Why something is left to pycasbin."""


class NotCompiled(Exception):
    """What pycasbin has to do itself; the message says why, for `explain_plan`."""
