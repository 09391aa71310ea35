"""TensorRT and TensorRT-RTX: one implementation, two adapters."""
