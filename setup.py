"""Core and training for machines without ROS (training servers, notebooks): pip install .

On robots colcon builds the ROS 2 package from package.xml and CMakeLists.txt instead.
"""

from glob import glob

from setuptools import find_packages, setup

MEDIAPIPE = ["ai-edge-litert>=2.3"]  # and, apart: pip install --no-deps mediapipe==0.10.21
TRAINING = [
    "torch>=2.4", "pytorch-lightning>=2.6,<2.7", "tensorboard>=2.18", "onnx>=1.17,<1.23",
    "onnxscript>=0.5",
]  # fmt: skip
RGB = ["timm>=1.0.9,<1.1", "safetensors>=0.4"]  # image encoders, beside training
MMPOSE = [
    "torch>=2.4", "pillow", "scipy", "addict", "yapf", "rich", "termcolor", "six", "munkres>=1.1",
    "setuptools<82",
]  # fmt: skip
# and, apart: pip install --no-deps mmengine-lite==0.10.7 mmcv-lite==2.1.0 mmpose==1.3.2
TENSORRT = ["tensorrt-rtx>=1.7"]  # TensorRT itself comes with JetPack or from its vendor
DEV = ["pytest>=8", "pytest-timeout", "hypothesis", "playwright", "ruff", "mypy", "types-PyYAML"]

setup(
    name="bharnet_ros",
    version="0.1.0",
    description="Skeleton-based action recognition for robots: body and hand experts on ROS 2",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["bharnet_ros", "bharnet_ros.*", "training", "training.*"]),
    package_data={
        "bharnet_ros": [
            "**/*.yaml", "**/*.json", "**/*.onnx", "**/*.npz", "**/*.html", "**/*.css", "**/*.js",
            "**/*.svg",
        ],
        "training": ["**/*.yaml", "**/*.npz"],
    },
    # Bags without definitions of our messages (Humble's) are read by these.
    data_files=[("share/bharnet_ros/msg", sorted(glob("msg/*.msg")))],
    install_requires=[
        "numpy>=1.26,<2.5",
        "opencv-python-headless>=4.6",
        "onnxruntime>=1.20",
        "PyYAML>=6",
        "rosbags>=0.11",
        "tqdm>=4.60",
    ],
    extras_require={
        "mediapipe": MEDIAPIPE,
        "mmpose": MMPOSE,
        "rgb": RGB,
        "tensorrt": TENSORRT,
        "training": TRAINING,
        "dev": DEV + TRAINING + MEDIAPIPE,
    },
    entry_points={"console_scripts": ["bharnet-ros = bharnet_ros.__main__:program"]},
)
