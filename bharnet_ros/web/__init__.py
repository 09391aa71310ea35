"""Serving a page to the browser of this machine: who may ask, how much, how long."""
