"""Makes small fast feedforward networks from a seed, runs them with their packages, and writes both.

    python fff.py FOLDER

Each NAME.pt and NAME.safetensors holds a state dict, each NAME.json what its network gives: {"input": {"scale", "zero_point"},
"activation", "inputs": [[q]], "leaves": [[leaf of each layer]], "outputs": [[..]], "eval_outputs": [[..]] or null}. The network reads
x = scale * (q - zero_point). `outputs` are those of the trained network, with the leaves' output bias; `eval_outputs` those of evaluation in
version 0.2.1, which leaves it out. Networks of UltraFastBERT's layer have "visited", the nodes of all trees in the order of the walk,
instead of leaves.

The judges: `fastfeedforward` 0.2.1 itself; for the master leaf and for UltraFastBERT's layer, which no registry has, modules of this file that
follow the formulas of arXiv 2405.16836 and arXiv 2311.10770. All are evaluated in double precision on weights in single precision, so
that the figures do not depend on the order in which a machine adds.
"""

import copy
import json
import pathlib
import sys

import numpy as np
import torch
from fastfeedforward import FFF
from safetensors.torch import save
from torch import nn

INPUTS = 24
SCALE, ZERO_POINT = 2 / 255, -0.5
ACTIVATIONS = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
}


class Master(FFF):
    """kappa * FFF(x) + (1 - kappa) * master(x), kappa = sigmoid(k); the extra keys are those of the published checkpoints."""

    def __init__(self, *sizes, master=8, **options):
        super().__init__(*sizes, usage_mode="soft", **options)
        i, o = self.input_width, self.output_width
        real = lambda *shape: nn.Parameter(torch.empty(shape).uniform_(-0.5, 0.5))
        self.magic_w1, self.magic_b1 = real(1, i, master), real(1, master)
        self.magic_w2, self.magic_b2 = real(1, master, o), real(1, o)
        self.k = nn.Parameter(torch.tensor(0.8))
        self.f = nn.Parameter(torch.zeros(self.n_leaves), requires_grad=False)

    def joined(self, x, leaves):
        hidden = self.activation(x @ self.magic_w1[0] + self.magic_b1[0])
        kappa = torch.sigmoid(self.k)
        return kappa * leaves + (1 - kappa) * (hidden @ self.magic_w2[0] + self.magic_b2[0])

    def training_forward(self, x, **options):
        return self.joined(x, super().training_forward(x, **options))

    def eval_forward(self, x):
        return self.joined(x, super().eval_forward(x))


class UltraFast(nn.Module):
    """K trees of depth + 1 levels; a node above 0 sends right; act(node) times its output row is added for each node visited."""

    def __init__(self, width, outputs, depth, trees, activation):
        super().__init__()
        self.depth, self.trees, self.n_nodes = depth, trees, 2 ** (depth + 1) - 1
        self.linear_in = nn.Linear(width, trees * self.n_nodes)
        self.linear_out = nn.Linear(trees * self.n_nodes, outputs, bias=False)
        self.activation = activation

    def forward(self, x):
        visited, y = [], torch.zeros(self.linear_out.out_features, dtype=x.dtype)
        for tree in range(self.trees):
            node = 0
            for _ in range(self.depth + 1):
                row = tree * self.n_nodes + node
                score = self.linear_in.weight[row] @ x + self.linear_in.bias[row]
                assert abs(score) > 1e-5 or score == 0, "too close to call"
                visited.append(row)
                y = y + self.activation(score) * self.linear_out.weight[:, row]
                node = 2 * node + 1 + int(score > 0)
        return visited, y


def probe(layer):
    """A network with the same nodes whose output is the leaf that the package itself walks to."""
    walk = FFF(layer.input_width, 1, 1, layer.depth.item(), activation=nn.Identity()).double().eval()
    with torch.no_grad():
        walk.node_weights.copy_(layer.node_weights)
        walk.node_biases.copy_(layer.node_biases)
        walk.w1s.zero_()
        walk.b1s.fill_(1)
        walk.w2s.copy_(torch.arange(layer.n_leaves).view(-1, 1, 1))
    return walk


def margins(layer, x):
    """Scores of all nodes: a comparison must not hang on rounding, unless it is an exact tie."""
    scores = x @ layer.node_weights.T + layer.node_biases.T
    assert bool(((scores.abs() > 1e-5) | (scores == 0)).all()), "too close to call"
    return bool((scores == 0).any())


def inputs(width, rng):
    q = rng.integers(-128, 128, (INPUTS, width))
    q[0], q[1] = -128, 127
    return q


def reals(q):
    return torch.from_numpy((SCALE * (q - ZERO_POINT)).astype(np.float32)).double()


def numbers(tensor):
    """The shortest texts that give the same f32."""
    return [[float(str(np.float32(value))) for value in row] for row in tensor.tolist()]


def evaluate(layers, q):
    """Leaves of each layer, outputs as trained, outputs of evaluation in 0.2.1, by the package."""
    leaves, trained, evaluated = [], reals(q), reals(q)
    has_eval = True
    for layer in layers:
        layer = copy.deepcopy(layer).double()
        depth = layer.depth.item()
        if depth == 0:  # Evaluation in 0.2.1 fails without nodes.
            leaf, has_eval = torch.zeros(len(q), dtype=torch.long), False
            trained = layer.train().training_forward(trained, use_hard_decisions=True).double()
        else:
            ties = margins(layer, trained)
            leaf = probe(layer)(trained).ravel().round().long()
            # Training sends a tie to the left and evaluation to the right; what is right is evaluation, with its bias.
            biased = layer.eval()(trained)
            if isinstance(layer, Master):
                biased = biased + torch.sigmoid(layer.k) * layer.b2s[leaf]
            else:
                biased = biased + layer.b2s[leaf]
            hard = layer.train().training_forward(trained, use_hard_decisions=True)
            assert ties or float((hard - biased).abs().max()) < 1e-6
            trained = (biased if ties else hard).double()
            if has_eval:
                margins(layer, evaluated)
                evaluated = layer.eval()(evaluated).double()
        leaves.append(leaf.tolist())
    return [list(of) for of in zip(*leaves)], numbers(trained), numbers(evaluated) if has_eval else None


def write(folder, name, state, what, metadata=None):
    torch.save(state, folder / f"{name}.pt")
    plain = {key: value.detach().contiguous() for key, value in state.items()}
    (folder / f"{name}.safetensors").write_bytes(save(plain, metadata=metadata))
    text = {"input": {"scale": SCALE, "zero_point": ZERO_POINT}, **what}
    (folder / f"{name}.json").write_text(json.dumps(text, separators=(",", ":")) + "\n")
    print(name, sum(value.numel() for value in state.values()), "numbers")


def networks():
    """Name, activation, layers: input width, leaf width, output width and depth of each, or a layer of another class."""
    yield "deep", "relu", [(20, 3, 4, 5)]
    yield "gelu", "gelu", [(13, 1, 5, 4)]
    yield "sigmoid", "sigmoid", [(6, 4, 2, 2)]
    yield "tanh", "tanh", [(5, 2, 2, 1)]
    yield "silu", "silu", [(9, 2, 3, 3)]
    yield "none", "none", [(7, 2, 3, 2)]
    yield "leaf", "relu", [(6, 8, 2, 0)]
    yield "wide", "relu", [(16, 40, 3, 1)]
    yield "chain", "relu", [(12, 4, 9, 3), (9, 3, 6, 1), (6, 5, 4, 2)]


def layer_of(sizes, activation, **options):
    return FFF(*sizes, activation=ACTIVATIONS[activation](), **options)


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for index, (name, activation, sizes) in enumerate(networks()):
        torch.manual_seed(index)
        layers = [layer_of(size, activation, usage_mode="hard" if name == "deep" else "none") for size in sizes]
        if name == "none":  # A node whose score is 0, whatever the input.
            with torch.no_grad():
                layers[0].node_weights[1], layers[0].node_biases[1] = 0, 0
        state = (layers[0] if len(layers) == 1 else nn.Sequential(*layers)).state_dict()
        one(folder, name, activation, layers, state, index)
    torch.manual_seed(100)
    master = Master(10, 4, 3, 3, activation=nn.ReLU())
    one(folder, "master", "relu", [master], master.state_dict(), 100)

    for index, (name, prefix, depth, trees) in enumerate(
        [("ultrafast", "", 2, 3), ("ultrafast_bert", "encoder.layers.0.ffn.", 4, 1)]
    ):
        torch.manual_seed(200 + index)
        net = UltraFast(12, 12, depth, trees, nn.GELU())
        if name == "ultrafast":  # A tie at the root of the second tree, which goes left.
            with torch.no_grad():
                net.linear_in.weight[net.n_nodes], net.linear_in.bias[net.n_nodes] = 0, 0
        q = inputs(12, np.random.default_rng(200 + index))
        double = copy.deepcopy(net).double()
        visited, outputs = zip(*(double(x) for x in reals(q)))
        what = {"activation": "gelu", "trees": trees, "depth": depth, "inputs": q.tolist(), "visited": visited}
        what["outputs"] = numbers(torch.stack(outputs))
        state = {prefix + key: value for key, value in net.state_dict().items()}
        write(folder, name, state, what)
    # As the model library writes it: the architecture within the configuration.
    arch = {"hidden_size": 12, "intermed_type": "fff", "intermed_size": 1, "intermed_depth": 4, "nonlin": "GELU"}
    config = {"arch": arch, "model_type": "crammedBERT"}
    (folder / "ultrafast_bert.config").write_text(json.dumps(config, indent=2) + "\n")


def one(folder, name, activation, layers, state, seed):
    q = inputs(layers[0].input_width, np.random.default_rng(seed))
    with torch.no_grad():
        leaves, outputs, evaluated = evaluate(layers, q)
    what = {"activation": activation, "inputs": q.tolist(), "leaves": leaves}
    what |= {"outputs": outputs, "eval_outputs": evaluated}
    write(folder, name, state, what, metadata={"activation": activation})


if __name__ == "__main__":
    main(sys.argv[1])
