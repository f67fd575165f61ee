"""How long cells take on this kernel and on stock evcxr_jupyter, side by side, as a Jupyter client sees it.

    pip install jupyter_client
    cargo build --release --locked && cargo install evcxr_jupyter --version 0.22.0 --locked
    python tests/benches/stock_kernel.py --fill     # once: the prelude here, the dependencies there, as on a fresh machine
    python tests/benches/stock_kernel.py

The same cells, with the same versions of candle and plotly loaded, row by row first there, then here. Every row checks
its cell's value before it is timed. A time is that from sending the request to the later of the reply and the idle
status; printed are median and (least). Without `evcxr_jupyter` its column is left out, and why is said.
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

    def __init__(self, stock):
        self.stock = stock
        print(f"{'':<44}{'stock':>18}{'ours':>18}{'stock / ours':>14}")

    def row(self, name, stock, ours, unit="s"):
        digits = 3 if unit == "s" else 0
        def cell(values):
            if not values:
                return "-"
            median = f"{statistics.median(values):.{digits}f}"
            return f"{median} ({min(values):.{digits}f})" if len(values) > 1 else median
        ratio = f"{statistics.median(stock) / statistics.median(ours):.1f}" if stock and ours else ""
        print(f"{name + ', ' + unit:<44}{cell(stock):>18}{cell(ours):>18}{ratio:>14}", flush=True)


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


def starts(table, names):
    """Start, and the first prelude result at once and ten seconds later; each with a kernel of its own."""
    ready, at_once, later = ({name: [] for name in names} for _ in range(3))
    for name in names:
        for _ in range(3):
            kernel = Kernel(name)
            ready[name].append(kernel.seconds)
            kernel.end()
        kernel = Kernel(name)
        shown, seconds = kernel.run(prelude(kernel))
        check_first(shown)
        at_once[name].append(kernel.seconds + seconds)
        kernel.end()
    kernels = {}
    for name in names:
        kernels[name] = Kernel(name)
        time.sleep(10)
        shown, seconds = kernels[name].run(prelude(kernels[name]))
        check_first(shown)
        later[name].append(seconds)
    for title, times in (
        ("start to ready", ready),
        ("start to the first prelude result, at once", at_once),
        ("first prelude cell, 10 s after the start", later),
    ):
        table.row(title, times.get("stock"), times["widemargin"])
    return kernels


def cells(table, kernels):
    def row(title, times, code, check):
        seconds = {}
        for name, kernel in kernels.items():
            check(kernel.run(code(-1))[0])
            seconds[name] = [kernel.run(code(i))[1] for i in range(times)]
        table.row(title, seconds.get("stock"), seconds["widemargin"])

    def value(expected):
        def check(shown):
            assert expected in shown.get("text/plain", ""), (expected, shown)
        return check

    def silent(shown):
        assert not shown, shown

    def trained(shown):
        # the loss of zero weights is ln 2
        assert "loss 0.6931 -> " in shown["stdout"], shown

    def drawn(shown):
        figure = shown[PLOTLY]
        figure = json.loads(figure) if isinstance(figure, str) else figure
        assert [trace["name"] for trace in figure["data"]] == ["sin 1 x", "sin 2 x", "sin 3 x"]

    row("let x = i;", 15, lambda i: f"let x = {i};", silent)
    row("x + 1, shown", 15, lambda i: "x + 1", value("15"))
    row('println!("x");', 15, lambda i: 'println!("x");', lambda shown: value("x")({"text/plain": shown["stdout"]}))
    row("let t = tensor;", 9, lambda i: "let t = Tensor::arange(0f32, 8., &Device::Cpu)?;", silent)
    row("t, shown", 9, lambda i: "t", value("7"))
    row("thirty lines of training", 7, lambda i: TRAINING, trained)
    row("plotly figure built in the cell", 5, lambda i: FIGURE, drawn)
    if kernel := kernels.get("widemargin"):
        kernel.run("let points = (vec![vec![2., 1.], vec![3., 1.]], vec![vec![0., 0.], vec![0., 1.]]);")
        call = "figure::boundary(&points.0, &points.1, &[(\"SVM\", &hard_margin(&points.0, &points.1)?)])?"
        assert PLOTLY in kernel.run(call)[0]
        table.row("figure by a prelude call", None, [kernel.run(call)[1] for _ in range(7)])
    help_rows(table, kernels)
    for kernel in kernels.values():
        kernel.run("".join(f"let v{i} = vec![{i}];\n" for i in range(40)))
    row("let x = i; with 40 variables", 15, lambda i: f"let x = {i};", silent)
    row("x + 1, shown, with 40 variables", 15, lambda i: "x + 1", value("15"))


def help_rows(table, kernels):
    completion, inspection = {}, {}
    for name, kernel in kernels.items():
        question = {"code": "t.sq", "cursor_pos": 4}
        answer, _ = kernel.ask("complete_request", question)
        assert any(match.startswith("sqrt") for match in answer["matches"]), (name, answer)
        completion[name] = [kernel.ask("complete_request", question)[1] for _ in range(9)]
        question = {"code": "Tensor", "cursor_pos": 6, "detail_level": 0}
        answer, _ = kernel.ask("inspect_request", question)
        if answer.get("found"):
            inspection[name] = [kernel.ask("inspect_request", question)[1] for _ in range(9)]
    table.row("completion of t.sq", completion.get("stock"), completion["widemargin"])
    table.row("inspection of Tensor", inspection.get("stock"), inspection.get("widemargin"))


def memory(table, kernels):
    used = {name: kernel.memory() for name, kernel in kernels.items()}
    for part, title in enumerate(("memory of the kernel", "memory of its children")):
        table.row(title, *([used[name][part]] if name in used else None for name in ("stock", "widemargin")), unit="MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
        table = Table("stock" in names)
        kernels = starts(table, names)
        try:
            cells(table, kernels)
            memory(table, kernels)
        finally:
            for kernel in kernels.values():
                kernel.end()


if __name__ == "__main__":
    sys.exit(main())
