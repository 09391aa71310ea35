"""Commands of `python -m training` that live in files of their own.

Each module has `register(commands)`, which adds one sub-command with a `run` default: a function
that takes the parsed options. Modules import torch and the like only when they run.
"""
