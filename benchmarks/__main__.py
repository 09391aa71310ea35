"""`python -m benchmarks`: the overhead measurement."""

from benchmarks.overhead import main

main()
