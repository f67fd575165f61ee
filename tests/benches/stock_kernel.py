"""How long cells take on this kernel and on stock evcxr_jupyter, side by side, as a Jupyter client sees it.

    pip install jupyter_client
    cargo build --release --locked && cargo install evcxr_jupyter --version 0.22.0 --locked
    python tests/benches/stock_kernel.py --fill     # once: the prelude here, the dependencies there, as on a fresh machine
    python tests/benches/stock_kernel.py [starts] [cells]

The same cells, with the same versions of candle and plotly loaded; within a row the two kernels take turns. Every row
checks its cell's value before it is timed. A time is that from sending the request to the later of the reply and the
idle status; printed are median and (least). Without `evcxr_jupyter` its column is left out, and why is said.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from jupyter_client.manager import KernelManager

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRAINING = (ROOT / "tests/benches/training_cell.rs.txt").read_text()
FIGURE = (ROOT / "tests/benches/figure_cell.rs.txt").read_text()
PLOTLY = "application/vnd.plotly.v1+json"
WAIT = 1200

# 0 + 1 + ... + 7
FIRST = "Tensor::arange(0f32, 8., &Device::Cpu)?.sum_all()?.to_scalar::<f32>()?"
USE = "use candle_core::{DType, Device, Tensor, Var};\n"


def locked(package):
    """The version that our own build uses."""
    text = (ROOT / "Cargo.lock").read_text()
    return re.search(rf'name = "{package}"\nversion = "([^"]+)"', text).group(1)


def dependencies():
    # `:cache` keeps compiled dependencies from one kernel to the next; without it every start is a cold one.
    lines = [f':dep {package} = "={locked(package)}"' for package in ("candle-core", "candle-nn", "plotly")]
    return "\n".join([":cache 5000", *lines, USE])


class Kernel:
    """A running kernel of the given name."""

    def __init__(self, name):
        begun = time.time()
        self.name = name
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = self.manager.client()
        self.client.start_channels()
        self.ask("kernel_info_request", {})
        self.seconds = time.time() - begun

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def reply(self, request):
        while True:
            message = self.client.get_shell_msg(timeout=WAIT)
            if message["parent_header"].get("msg_id") == request:
                return message["content"]

    def ask(self, kind, content):
        """The reply's content and the seconds it took."""
        message = self.client.session.msg(kind, content)
        begun = time.time()
        self.client.shell_channel.send(message)
        reply = self.reply(message["header"]["msg_id"])
        return reply, time.time() - begun

    def run(self, code):
        """What the cell showed, by MIME type, and the seconds it took. Errors: `RuntimeError` if the cell failed."""
        begun = time.time()
        request = self.client.execute(code)
        shown = {}
        while True:
            message = self.client.get_iopub_msg(timeout=WAIT)
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                shown[content["name"]] = shown.get(content["name"], "") + content["text"]
            elif message["msg_type"] == "error":
                raise RuntimeError(f"{self.name}: {code}\n" + "\n".join(content["traceback"]))
            elif "data" in content:
                shown.update(content["data"])
            elif content.get("execution_state") == "idle":
                break
        self.reply(request)
        return shown, time.time() - begun

    def memory(self):
        """Resident megabytes: of the kernel, and of its children together."""
        resident, parents = {}, {}
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            except OSError:
                continue
            parents[int(fields["Pid"])] = int(fields["PPid"])
            resident[int(fields["Pid"])] = int(fields.get("VmRSS", "0 kB").split()[0]) / 1e3
        kernel = self.manager.provisioner.pid
        children = [pid for pid, parent in parents.items() if parent == kernel]
        return resident[kernel], sum(resident[pid] for pid in children)


class Table:
    """One row for each thing measured; columns stock, ours, ratio."""

    def __init__(self):
        print(f"{'':<46}{'stock':>16}{'ours':>16}{'stock / ours':>14}")

    def row(self, name, stock, ours, unit="s"):
        digits = 3 if unit == "s" else 0
        def cell(values):
            if not values:
                return "-"
            median = f"{statistics.median(values):.{digits}f}"
            return f"{median} ({min(values):.{digits}f})" if len(values) > 1 else median
        ratio = f"{statistics.median(stock) / statistics.median(ours):.1f}" if stock and ours else ""
        print(f"{name + ', ' + unit:<46}{cell(stock):>16}{cell(ours):>16}{ratio:>14}", flush=True)


def prelude(kernel):
    return FIRST if kernel.name == "widemargin" else dependencies() + FIRST


def check_first(shown):
    # there the answers to `:cache` and `:dep` stand before it
    assert shown.get("text/plain", "").endswith("28.0"), f"the sum of 0 to 7: {shown}"


def fill(names):
    for name in names:
        kernel = Kernel(name)
        shown, seconds = kernel.run(prelude(kernel))
        check_first(shown)
        kernel.end()
        print(f"{name}: first prelude result {kernel.seconds + seconds:.1f} s after the start", flush=True)


def times(table, title, kernels, rounds, measure):
    """A row of seconds; the kernels take turns."""
    seconds = {name: [] for name in kernels}
    for i in range(rounds):
        for name in kernels:
            seconds[name].append(measure(name, i))
    table.row(title, seconds.get("stock"), seconds["widemargin"])


def starts(table, names):
    """From the start on, each time with a kernel of its own."""
    cells = {name: [] for name in names}

    def ready(name, _):
        kernel = Kernel(name)
        shown, seconds = kernel.run("1 + 1")
        assert shown["text/plain"] == "2", shown
        cells[name].append(kernel.seconds + seconds)
        kernel.end()
        return kernel.seconds

    def at_once(name, _):
        kernel = Kernel(name)
        shown, seconds = kernel.run(prelude(kernel))
        check_first(shown)
        kernel.end()
        return kernel.seconds + seconds

    def later(name, _):
        kernel = Kernel(name)
        time.sleep(10)
        shown, seconds = kernel.run(prelude(kernel))
        check_first(shown)
        kernel.end()
        return seconds

    times(table, "start to ready (kernel_info)", names, 5, ready)
    table.row("start to the value of 1 + 1, at once", cells.get("stock"), cells["widemargin"])
    times(table, "start to the first prelude result, at once", names, 2, at_once)
    times(table, "first prelude cell, 10 s after the start", names, 2, later)


def cells(table, names):
    """A notebook at work."""
    kernels = {name: Kernel(name) for name in names}
    try:
        for kernel in kernels.values():
            check_first(kernel.run(prelude(kernel))[0])
        work(table, kernels)
        help_rows(table, kernels)
        for kernel in kernels.values():
            kernel.run("".join(f"let v{i} = vec![{i}];\n" for i in range(40)))
        trivial(table, kernels, ", 40 variables alive")
        memory(table, kernels)
    finally:
        for kernel in kernels.values():
            kernel.end()


def row(table, kernels, title, rounds, code, check):
    for kernel in kernels.values():
        check(kernel.run(code(-1))[0])
    times(table, title, kernels, rounds, lambda name, i: kernels[name].run(code(i))[1])


def value(expected):
    def check(shown):
        assert expected in shown.get("text/plain", ""), (expected, shown)
    return check


def silent(shown):
    assert not shown, shown


def printed(shown):
    assert shown["stdout"] == "x\n", shown


def trained(shown):
    # the loss of zero weights is ln 2
    assert "loss 0.6931 -> " in shown["stdout"], shown


def drawn(shown):
    figure = shown[PLOTLY]
    figure = json.loads(figure) if isinstance(figure, str) else figure
    assert [trace["name"] for trace in figure["data"]] == ["sin 1 x", "sin 2 x", "sin 3 x"]


def trivial(table, kernels, suffix=""):
    row(table, kernels, "let x = i;" + suffix, 15, lambda i: f"let x = {i};", silent)
    row(table, kernels, "x + 1, shown" + suffix, 15, lambda i: "x + 1", value("15"))


def work(table, kernels):
    trivial(table, kernels)
    row(table, kernels, 'println!("x");', 15, lambda i: 'println!("x");', printed)
    row(table, kernels, "let t = tensor;", 9, lambda i: "let t = Tensor::arange(0f32, 8., &Device::Cpu)?;", silent)
    row(table, kernels, "t, shown", 9, lambda i: "t", value("7"))
    row(table, kernels, "thirty lines of training", 7, lambda i: TRAINING, trained)
    row(table, kernels, "plotly figure built in the cell", 7, lambda i: FIGURE, drawn)
    if kernel := kernels.get("widemargin"):
        kernel.run("let points = (vec![vec![2., 1.], vec![3., 1.]], vec![vec![0., 0.], vec![0., 1.]]);")
        call = "figure::boundary(&points.0, &points.1, &[(\"SVM\", &hard_margin(&points.0, &points.1)?)])?"
        assert PLOTLY in kernel.run(call)[0]
        table.row("plotly figure by a prelude call", None, [kernel.run(call)[1] for _ in range(7)])


def help_rows(table, kernels):
    question = {"code": "t.sq", "cursor_pos": 4}
    for name, kernel in kernels.items():
        answer, _ = kernel.ask("complete_request", question)
        assert any(match.startswith("sqrt") for match in answer["matches"]), (name, answer)
    times(table, "completion of t.sq", kernels, 15, lambda name, _: kernels[name].ask("complete_request", question)[1])
    # the methods of a type are found there, its name is not
    question = {"code": "Tensor", "cursor_pos": 6, "detail_level": 0}
    able = {name: kernel for name, kernel in kernels.items() if kernel.ask("inspect_request", question)[0]["found"]}
    assert "widemargin" in able
    times(table, "inspection of Tensor", able, 15, lambda name, _: kernels[name].ask("inspect_request", question)[1])


def memory(table, kernels):
    used = {name: kernel.memory() for name, kernel in kernels.items()}
    for part, title in enumerate(("memory of the kernel", "memory of its children")):
        table.row(title, *([used[name][part]] if name in used else None for name in ("stock", "widemargin")), unit="MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=["starts", "cells"], choices=["starts", "cells"])
    parser.add_argument("--ours", default=ROOT / "target/release/widemargin", type=pathlib.Path)
    parser.add_argument("--stock", default=shutil.which("evcxr_jupyter"), type=pathlib.Path)
    parser.add_argument("--fill", action="store_true", help="fill the caches, and say how long that takes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JUPYTER_DATA_DIR"] = os.environ["JUPYTER_PATH"] = folder
        subprocess.run([arguments.ours, "kernel", "install"], check=True, stdout=subprocess.DEVNULL)
        names = ["widemargin"]
        if arguments.stock and arguments.stock.is_file():
            spec = {"argv": [str(arguments.stock), "--control_file", "{connection_file}"],
                    "display_name": "stock", "language": "rust", "interrupt_mode": "message"}
            place = pathlib.Path(folder) / "kernels/stock"
            place.mkdir(parents=True)
            (place / "kernel.json").write_text(json.dumps(spec))
            names.insert(0, "stock")
        else:
            print("stock: left out, no evcxr_jupyter on the PATH; cargo install evcxr_jupyter --version 0.22.0 --locked")
        if arguments.fill:
            return fill(names)
        table = Table()
        for part in arguments.parts:
            {"starts": starts, "cells": cells}[part](table, names)


if __name__ == "__main__":
    sys.exit(main())
