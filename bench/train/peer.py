"""Trains the presets' networks with PyTorch, as told by lines of JSON, and answers with images per second.

Arguments: a file of grey values (28 x 28 bytes an image) and a file of labels (a byte each).
A line in: {"preset", "batch", "threads", "channels_last", "seconds"}; a line out: {"imagesPerSecond"}.
"""

import json
import sys
import time

import numpy
import torch
from torch import nn

# Between the image [B,1,28,28] and the probabilities, as in train/model/presets.ts. The softmax is a part of the loss.
NETWORKS = {
    "default": lambda: [
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    ],
    "seed": lambda: [
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Dropout(0.2), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(6272, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    ],
    "mnist-node": lambda: [
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(1024, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10),
    ],
}


class Training:
    """A network in training from fresh weights; the images in turn, all of them turned into floats beforehand."""

    def __init__(self, preset, batch, channels_last, images, labels):
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.network = nn.Sequential(*NETWORKS[preset]()).to(memory_format=layout).train()
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=0.001)
        self.loss = nn.CrossEntropyLoss()
        self.images = images.contiguous(memory_format=layout)
        self.labels = labels
        self.batch = batch
        self.start = 0

    def step(self):
        if self.start + self.batch > len(self.labels):
            self.start = 0
        rows = slice(self.start, self.start + self.batch)
        self.start += self.batch
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.network(self.images[rows]), self.labels[rows]).backward()
        self.optimizer.step()

    def images_per_second(self, seconds):
        steps = 0
        started = time.perf_counter()
        while steps < 3 or time.perf_counter() - started < seconds:
            self.step()
            steps += 1
        return steps * self.batch / (time.perf_counter() - started)


def main(images_file, labels_file):
    torch.manual_seed(1)
    labels = torch.from_numpy(numpy.fromfile(labels_file, numpy.uint8).astype(numpy.int64))
    pixels = numpy.fromfile(images_file, numpy.uint8).reshape(-1, 1, 28, 28)
    images = torch.from_numpy(pixels.astype(numpy.float32) / 255)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        torch.set_num_threads(asked["threads"])
        training = Training(asked["preset"], asked["batch"], asked["channels_last"], images, labels)
        training.images_per_second(asked["seconds"] / 5)
        print(json.dumps({"imagesPerSecond": training.images_per_second(asked["seconds"])}), flush=True)


main(*sys.argv[1:])
