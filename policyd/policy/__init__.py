"""Policy files: read with positions, checked across files, compiled into one snapshot."""
