"""Whole-body networks of an mmpose installation, by their config and checkpoint."""
