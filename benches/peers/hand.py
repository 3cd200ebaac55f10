"""Some workloads in TensorFlow, compiled by its graph, and in NumPy by hand: see peers.py."""

import numpy as np

from peers import ARGS, BATCHES, RNG, batches, measure

WORK = ARGS.workload


def run():
    {"tensorflow": run_tensorflow, "numpy": run_numpy}[ARGS.peer]()


def run_tensorflow():
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(ARGS.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.random.set_seed(0)
    K = tf.keras
    if WORK in ("W2", "W2b"):
        layers = [K.Input((784,)), K.layers.Dense(256, "relu"), K.layers.Dense(128, "relu"), K.layers.Dense(10)]
        model = K.Sequential(layers)
    elif WORK == "W3":
        model = K.Sequential([K.Input((28, 28, 1)), K.layers.Conv2D(16, 3, activation="relu"), K.layers.MaxPool2D(),
                              K.layers.Conv2D(32, 3, activation="relu"), K.layers.MaxPool2D(), K.layers.Flatten(),
                              K.layers.Dense(10)])
    elif WORK == "W4":
        model = K.Sequential([K.Input((28, 28)), K.layers.LSTM(128), K.layers.Dense(10)])
    elif WORK == "W7":
        x = start = K.Input((64, 128))
        normal = K.layers.LayerNormalization(epsilon=1e-5)(x)
        x = x + K.layers.MultiHeadAttention(4, 32)(normal, normal)
        hidden = K.layers.Dense(512, "relu")(K.layers.LayerNormalization(epsilon=1e-5)(x))
        x = x + K.layers.Dense(128)(hidden)
        model = K.Model(start, K.layers.Dense(10)(K.layers.GlobalAveragePooling1D()(x)))
    else:
        raise SystemExit(f"tensorflow: {WORK} is not written")
    optimizer = K.optimizers.Adam(0.001)
    loss = K.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer.build(model.trainable_variables)

    @tf.function
    def update(x, target):
        with tf.GradientTape() as tape:
            value = loss(target, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return value

    shaped = lambda x: np.moveaxis(x, 1, -1) if WORK == "W3" else x
    data = [(tf.constant(shaped(x)), tf.constant(y)) for x, y in batches()]
    count = 0

    def step():
        nonlocal count
        update(*data[count % BATCHES]).numpy()
        count += 1

    measure(step)


def run_numpy():
    """One sample at a time through dense layers with sigmoids, as in the first guide's class."""
    widths = {"W15": [784, 30, 10], "W21": [784, 256, 128, 10]}.get(WORK)
    if widths is None:
        raise SystemExit(f"numpy: {WORK} is not written")
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    pairs = list(zip(widths[:-1], widths[1:]))
    weights = [(RNG.standard_normal((b, a)) / np.sqrt(a)).astype(np.float32) for a, b in pairs]
    biases = [np.zeros((b, 1), np.float32) for _, b in pairs]
    samples = [RNG.random((784, 1), dtype=np.float32) for _ in range(BATCHES)]
    targets = [np.eye(10, dtype=np.float32)[:, [RNG.integers(10)]] for _ in range(BATCHES)]
    count, rate = 0, np.float32(0.001)

    def step():
        nonlocal count
        activations = [samples[count % BATCHES]]
        for w, b in zip(weights, biases):
            activations.append(sigmoid(w @ activations[-1] + b))
        y = activations[-1]
        delta = (y - targets[count % BATCHES]) * y * (1 - y)
        count += 1
        for i in range(len(weights) - 1, -1, -1):
            a = activations[i]
            below = weights[i].T @ delta * a * (1 - a) if i > 0 else None
            weights[i] -= rate * (delta @ a.T)
            biases[i] -= rate * delta
            delta = below

    measure(step)
