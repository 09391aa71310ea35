"""Training on stores of recorded skeletons, with Lightning as its engine. See docs/training.md."""
