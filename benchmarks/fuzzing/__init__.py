"""Whatever a stranger may hand us, altered at random: it is used or refused, and nothing else."""
