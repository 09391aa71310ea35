"""Networks trained elsewhere, rebuilt from their checkpoints and written as bundles."""
