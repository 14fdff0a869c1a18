"""What lint says of rules, held to the proof: what it calls superfluous can be taken out."""
