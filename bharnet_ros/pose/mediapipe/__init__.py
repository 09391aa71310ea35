"""A whole-body estimator for several people on CPU, built on the networks of MediaPipe."""
