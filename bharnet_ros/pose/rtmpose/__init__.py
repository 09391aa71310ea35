"""RTMPose, RTMW and DWPose in ONNX on this package's engines."""
