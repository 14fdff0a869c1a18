"""Forms: how a record is said to other systems; its own bytes stay what proves it."""
