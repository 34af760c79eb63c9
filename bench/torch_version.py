"""Prints PyTorch's release; ends with an error where PyTorch or NumPy is not there."""

import subprocess

import numpy  # noqa: F401
import torch


def debian_release():
    """Debian's build calls itself 1.13.0a0; which release it is, its package knows."""
    command = ["dpkg-query", "--show", "--showformat", "${Version}", "python3-torch"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("+")[0]


from_debian = torch.__file__.startswith("/usr/lib/python3/dist-packages/")
print(debian_release() if from_debian else torch.__version__)
