"""What text that a caller sends never holds; it is read again in records and on terminals."""

import re

_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff"
CONTROL = re.compile(f"[{_CONTROL}]")
"""Control characters, line separators and the byte order mark."""

# As JSON Schema has it: where it stands, the text must have a character; elsewhere it may be empty.
PLAIN = f"^[^{_CONTROL}]*$"
SOME_PLAIN = f"^[^{_CONTROL}]+$"
PLAIN_BUT_QUERY = rf"^[^{_CONTROL}?]*(\?[\s\S]*)?$"
SOME_PLAIN_BUT_QUERY = rf"^[^{_CONTROL}?]+(\?[\s\S]*)?$"
