"""Trains a network on MNIST in the manner of PyTorch's basic example, and tests it after each epoch.

Arguments: the four files (training images and labels, test images and labels; IDX, gzipped or not), the number of
threads and the accuracy to stop at. A line out after each epoch: {"epoch", "accuracy"}.
With a number of seconds as one more argument it trains only so long: {"imagesPerSecond"}.
"""

import gzip
import json
import sys
import time

import numpy
import torch
from torch import nn
from torch.optim import Adadelta
from torch.optim.lr_scheduler import StepLR

EPOCHS = 14
BATCH = 64
TEST_BATCH = 1000
MEAN, STD = 0.1307, 0.3081  # of MNIST's training pixels


def read_idx(path):
    """The file's bytes as an array of the shape that its header tells."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        content = file.read()
    dimensions = content[3]
    shape = numpy.frombuffer(content, ">u4", dimensions, offset=4)
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def images_of(path):
    pixels = torch.from_numpy(read_idx(path).astype(numpy.float32)).unsqueeze(1)
    return (pixels / 255 - MEAN) / STD


def labels_of(path):
    return torch.from_numpy(read_idx(path).astype(numpy.int64))


def build():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    )


def train_epoch(network, optimizer, images, labels, seconds=float("inf")):
    """Stops early after so many seconds. Returns how many images it has learned from."""
    network.train()
    loss = nn.CrossEntropyLoss()
    started = time.perf_counter()
    done = 0
    for places in torch.randperm(len(labels)).split(BATCH):
        optimizer.zero_grad(set_to_none=True)
        loss(network(images[places]), labels[places]).backward()
        optimizer.step()
        done += len(places)
        if time.perf_counter() - started > seconds:
            break
    return done


@torch.no_grad()
def accuracy_of(network, images, labels):
    network.eval()
    answers = [network(batch).argmax(1) for batch in images.split(TEST_BATCH)]
    return (torch.cat(answers) == labels).sum().item() / len(labels)


def show(value):
    print(json.dumps(value), flush=True)


def main(train_images, train_labels, test_images, test_labels, threads, target, seconds=None):
    torch.set_num_threads(int(threads))
    images, labels = images_of(train_images), labels_of(train_labels)
    network = build()
    optimizer = Adadelta(network.parameters(), lr=1.0)
    if seconds is not None:
        train_epoch(network, optimizer, images, labels, float(seconds) / 5)
        started = time.perf_counter()
        done = train_epoch(network, optimizer, images, labels, float(seconds))
        show({"imagesPerSecond": done / (time.perf_counter() - started)})
        return
    unseen, answers = images_of(test_images), labels_of(test_labels)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    for epoch in range(1, EPOCHS + 1):
        train_epoch(network, optimizer, images, labels)
        accuracy = accuracy_of(network, unseen, answers)
        show({"epoch": epoch, "accuracy": accuracy})
        if accuracy >= float(target):
            break
        scheduler.step()


main(*sys.argv[1:])
