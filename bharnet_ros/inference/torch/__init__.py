"""PyTorch as an engine: the bundle's ONNX graph, read into torch operations."""
