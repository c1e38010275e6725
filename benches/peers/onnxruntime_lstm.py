"""ONNX Runtime with IO binding: LSTM layers, layer normalisation, head and residual, as our networks have them."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from protocol import report, require

SIZES = ((20, 64, 1, 5), (19, 64, 2, 5), (20, 128, 2, 20))
GATES = (0, 3, 1, 2)  # i, o, f, c of ONNX in our order i, f, g, o


def weights(d, h, layers):
    """Weights uniform in +-1/sqrt(h), gates in the order i, f, g, o."""
    rng = np.random.default_rng(1)

    def draw(*shape):
        return rng.uniform(-(h**-0.5), h**-0.5, shape).astype(np.float32)

    net = [(draw(4 * h, h if i else d), draw(4 * h, h), draw(4 * h), draw(4 * h)) for i in range(layers)]
    return net, (1 + draw(h), draw(h)), (draw(d, h), draw(d))


def session(net, norm, head, h, lag, d):
    """A graph of windows (lag, B, d) to states (B, d)."""
    values, nodes, below = {}, [], "x"
    for i, layer in enumerate(net):
        w, r, b, c = (np.concatenate([np.split(part, 4)[g] for g in GATES]) for part in layer)
        values |= {f"w{i}": w[None], f"r{i}": r[None], f"b{i}": np.concatenate([b, c])[None]}
        names = [f"y{i}", f"h{i}", f"c{i}"]
        nodes.append(helper.make_node("LSTM", [below, f"w{i}", f"r{i}", f"b{i}"], names, hidden_size=h))
        nodes.append(helper.make_node("Squeeze", [f"y{i}", "one"], [f"s{i}"]))
        below = f"s{i}"
    values |= {"one": np.array([1]), "zero": np.array([0]), "last": np.array(lag - 1)}
    values |= {"scale": norm[0], "shift": norm[1], "out": head[0], "bias": head[1]}
    nodes += [
        helper.make_node("Squeeze", [f"h{len(net) - 1}", "zero"], ["top"]),
        helper.make_node("LayerNormalization", ["top", "scale", "shift"], ["z"], axis=-1, epsilon=1e-5),
        helper.make_node("Gemm", ["z", "out", "bias"], ["change"], transB=1),
        helper.make_node("Gather", ["x", "last"], ["newest"], axis=0),
        helper.make_node("Add", ["change", "newest"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [lag, "B", d])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["B", d])
    tensors = [numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "lstm", [x], [y], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    cpu = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=cpu)


def forecast(net, norm, head, x):
    """The definition, in f64."""
    rows, newest = x.astype(np.float64), x[-1].astype(np.float64)
    for w, r, b, c in net:
        h = cell = np.zeros((rows.shape[1], r.shape[1]))
        out = []
        for row in rows:
            i, f, g, o = np.split(row @ w.T.astype(np.float64) + h @ r.T + b.astype(np.float64) + c, 4, axis=1)
            i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
            cell = f * cell + i * np.tanh(g)
            h = o * np.tanh(cell)
            out.append(h)
        rows = np.stack(out)
    h = rows[-1]
    z = (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1e-5) * norm[0] + norm[1]
    return z @ head[0].T.astype(np.float64) + head[1] + newest


def main():
    version = f"onnxruntime {onnxruntime.__version__}"
    for d, h, layers, lag in SIZES:
        parts = weights(d, h, layers)
        run = session(*parts, h, lag, d)
        size = f"d{d}-h{h}-l{layers}-lag{lag}"
        for n in (1, 64, 512) if (d, h) == (19, 64) else (1,):
            x = np.random.default_rng(2).uniform(-2, 2, (lag, n, d)).astype(np.float32)
            y = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((n, d), np.float32))
            binding = run.io_binding()
            binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
            binding.bind_ortvalue_output("y", y)
            call = lambda: run.run_with_iobinding(binding)
            call()
            far = np.abs(y.numpy() - forecast(*parts, x)).max()
            require(far < 1e-5, f"a forecast of {size} is off by {far}")
            kernel = "forecast" if n == 1 else "batch"
            # It has no rollout: a step of one is a forecast from the window.
            twins = [f"lstm/rollout-{size}/n100"] if n == 1 else []
            report(f"lstm/{kernel}-{size}/n{n}", "onnxruntime", version, n, call, twins=twins)


main()
