"""The installed kernel in JupyterLab and Notebook, in a real browser without a network. For people: it leaves screenshots.

    apt install chromium chromium-driver
    pip install jupyterlab notebook selenium && widemargin kernel install
    python tests/kernel/browser.py [lab] [notebook] [--out DIR]

Each step checks what it can and saves a screenshot; look at them. Exit code 1 at the first step that fails. The last step
opens the notebook of the repository as a stranger would: not trusted, and without our renderer.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import jupyter_client
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "browser"
FIGURE = "application/vnd.plotly.v1+json"
KERNEL = {"name": "widemargin", "display_name": "Rust (widemargin)", "language": "rust"}
CELLS = [
    "let pair = digits()?.pair(3, 8)?; let mut net = Classifier::mlp(&Mlp::default(), 1)?;",
    "let run = Trainer { epochs: 1_000_000, ..Trainer::default() }.fit(&mut net, &pair.train)?;",
    'println!("{} epochs, interrupted: {}", run.epochs.len(), run.interrupted);',
    # two figures and a progress bar in one cell
    'println!("one"); figure::curves(&[("a", &run)]).show(); println!("two");\n'
    'let mut bar = widemargin::progress::Progress::new("steps", 20, false);\n'
    'for i in 1..=20 { bar.update(i, ""); std::thread::sleep(std::time::Duration::from_millis(60)); }\n'
    'figure::spectra(&[("a", &Spectrum::of(&net.features(&pair.train.x)?)?)])',
]


def notebook(cells):
    code = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for i, source in enumerate(cells)
    ]
    return {"cells": code, "metadata": {"kernelspec": KERNEL}, "nbformat": 4, "nbformat_minor": 5}


class Server:
    def __init__(self, kind, folder, data=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        application = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}[kind]
        # Settings and windows of our own; the question whether to fetch news is answered.
        settings = folder / "config/lab/user-settings/@jupyterlab/apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder / "config")}
        if data:
            environment["JUPYTER_DATA_DIR"] = str(data)
        (folder / "work").mkdir()
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyter", kind, "--no-browser", "--allow-root", f"--ServerApp.port={self.port}",
                f"--IdentityProvider.token={TOKEN}", f"--{application}.expose_app_in_browser=True",
                f"--ServerApp.root_dir={folder / 'work'}",
            ],
            env=environment,
            stdout=subprocess.DEVNULL, stderr=open(folder / "server.log", "w"),
        )
        self.wait()

    def wait(self):
        for _ in range(300):
            try:
                return self.api("/api/status")
            except OSError:
                time.sleep(0.2)
        raise AssertionError("the Jupyter server does not answer")

    def api(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}?token={TOKEN}", timeout=10) as answer:
            return json.load(answer)

    def end(self):
        self.process.terminate()
        self.process.wait()


class Page:
    def __init__(self, server, kind, out):
        self.server, self.kind, self.out = server, kind, out
        options = webdriver.ChromeOptions()
        for flag in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1500", "--disable-dev-shm-usage",
            # No name but this machine's resolves: what shows, shows offline.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "SEVERE"})
        options.binary_location = shutil.which("chromium")
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_script_timeout(600)

    def open(self, name):
        self.name = name
        place = {"lab": f"/lab/tree/{name}", "notebook": f"/notebooks/{name}"}[self.kind]
        self.driver.get(f"http://127.0.0.1:{self.server.port}{place}?token={TOKEN}")
        self.until(lambda: self.script("return !!window.jupyterapp && !!document.querySelector('.jp-Notebook .jp-Cell')"))
        self.until(lambda: self.state() == "idle", "the kernel is idle")
        # commands mean the notebook in front
        self.script(self.panel + "window.jupyterapp.shell.activateById(panel.id);")

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def until(self, condition, what="the page is ready", seconds=300):
        deadline, last = time.time() + seconds, ""
        while time.time() < deadline:
            try:
                if condition():
                    return
            except Exception as error:  # the page changes under the question
                last = error
            time.sleep(0.2)
        self.shot("timeout")
        raise AssertionError(f"{seconds} s, and not: {what} {last}")

    @property
    def panel(self):
        # JupyterLab also restores what an earlier page had open
        return (
            "const panel = [...window.jupyterapp.shell.widgets('main')]"
            f".find(w => w.sessionContext && w.content.model && w.context.path === '{self.name}');"
        )

    def state(self):
        return self.script(self.panel + "return panel?.sessionContext.session?.kernel?.status")

    def command(self, name, arguments=None):
        """Runs a command of the application to its end."""
        self.driver.execute_async_script(
            "const [name, options, done] = arguments;"
            "window.jupyterapp.commands.execute(name, options || {}).then(() => done(), e => done(String(e)));",
            name, arguments)

    def start(self, name, arguments=None):
        self.script("window.jupyterapp.commands.execute(arguments[0], arguments[1] || {});", name, arguments)

    def select(self, index):
        self.script(self.panel + "panel.content.activeCellIndex = arguments[0]; panel.content.deselectAll();", index)

    def outputs(self, index):
        return self.script(
            self.panel + "const m = panel.content.widgets[arguments[0]].model; return m.outputs ? m.outputs.toJSON() : [];",
            index)

    def counts(self):
        return self.script(
            self.panel + "return panel.content.widgets.filter(c => c.model.type === 'code').map(c => c.model.executionCount);")

    def figures(self, index):
        """Goes to a cell, waits until each of its figures is drawn by plotly, not only placed; how many they are."""
        self.script(self.panel + "return panel.content.scrollToItem(arguments[0], 'start');", index)
        wanted = sum(FIGURE in output.get("data", {}) for output in self.outputs(index))
        drawn = "return [...panel.content.widgets[arguments[0]].node.querySelectorAll('.js-plotly-plot')]" \
                ".filter(f => f.querySelector('.main-svg')).length;"
        self.until(lambda: self.script(self.panel + drawn, index) == wanted, f"{wanted} figures of cell {index} are drawn", 60)
        return wanted

    def pictures(self, index):
        """Goes to a cell; how many of its pictures have arrived."""
        self.script(self.panel + "return panel.content.scrollToItem(arguments[0], 'start');", index)
        return self.script(
            self.panel + "return [...panel.content.widgets[arguments[0]].node.querySelectorAll('img')]"
            ".filter(i => i.src.startsWith('data:image/png') && i.naturalWidth > 100).length;", index)

    def offered(self):
        """Names in the list of completions, if one is to be seen."""
        items = self.driver.find_elements(By.CSS_SELECTOR, ".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item")
        return [item.text.split("(")[0].strip() for item in items if item.is_displayed()]

    def complete(self, *keys, wanted):
        """Types, and asks for completions until the wanted name is offered."""
        self.type(*keys)

        def asked():
            # JupyterLab waits one second for an answer; on a busy machine a person asks again
            self.type(Keys.TAB)
            deadline = time.time() + 3
            while time.time() < deadline:
                if any(wanted in name for name in self.offered()):
                    return True
                time.sleep(0.1)
            return False

        self.until(asked, f"{wanted} is offered", 30)

    def run(self, index):
        self.select(index)
        self.command("notebook:run-cell")

    def shot(self, name):
        path = self.out / f"{self.kind}-{name}.png"
        self.driver.save_screenshot(str(path))
        print(f"  {path}")

    def into_cell(self, index):
        self.select(index)
        self.command("notebook:enter-edit-mode")
        editor = self.driver.find_elements(By.CSS_SELECTOR, ".jp-Notebook .jp-CodeCell .cm-content")[index]
        self.script("arguments[0].scrollIntoView({block: 'center'});", editor)
        editor.click()
        ActionChains(self.driver).key_down(Keys.CONTROL).send_keys(Keys.END).key_up(Keys.CONTROL).perform()

    def type(self, *keys):
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()
            # as a person does: the editor takes up what was typed before the next key
            time.sleep(0.5)


def unexecuted(content):
    """The notebook as it is before its first run."""
    content = json.loads(json.dumps(content))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return content


def text_of(outputs):
    return "".join("".join(o.get("text", "")) for o in outputs if o["output_type"] == "stream")


def errors_of(outputs):
    return [o["evalue"] for o in outputs if o["output_type"] == "error"]


def run_all(page, name):
    """Runs a notebook from top to bottom; the numbers of its cells with figures."""
    page.open(name)
    count = len(page.counts())
    page.start("notebook:run-all-cells")
    page.until(lambda: all(page.counts()) and page.state() == "idle", "all cells ran", 580)
    kinds = page.script(page.panel + "return panel.content.widgets.map(c => c.model.type)")
    codes = [i for i, kind in enumerate(kinds) if kind == "code"]
    errors = [e for i in codes for e in errors_of(page.outputs(i))]
    assert not errors, errors
    figures = {i: page.figures(i) for i in codes}
    print(f"  {count} cells, {sum(figures.values())} figures")
    return [i for i in codes if figures[i]]


def whole_notebook(page):
    """Notebook 01, run from top to bottom."""
    for number, i in enumerate(run_all(page, "01.ipynb")):
        page.figures(i)
        time.sleep(1)
        page.shot(f"01-figure-{number}")


def help_and_interrupts(page):
    """Complete, inspect, interrupt, read the partial history, figures and a progress bar, restart and run all."""
    page.open("steps.ipynb")
    page.run(0)
    assert not errors_of(page.outputs(0)), page.outputs(0)

    page.into_cell(4)
    page.complete("let t = Tensor::zer", wanted="zeros")
    page.shot("02-complete")
    page.type(Keys.ESCAPE)
    page.into_cell(5)
    page.type("Trainer")
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, ".jp-Tooltip"), "a tooltip shows", 30)
    tooltip = page.driver.find_element(By.CSS_SELECTOR, ".jp-Tooltip").text
    assert "pub struct Trainer" in tooltip, tooltip
    page.shot("03-inspect")
    page.type(Keys.ESCAPE)

    # a person reads for a moment; the kernel uses it to learn the names that it offers while a cell runs
    time.sleep(8)
    page.select(1)
    page.start("notebook:run-cell")
    page.until(lambda: page.outputs(1), "training reports")
    time.sleep(1)
    assert page.state() == "busy", page.state()
    page.into_cell(4)
    page.complete(Keys.ENTER, "net.fea", wanted="features")
    page.shot("04-complete-while-training")
    page.type(Keys.ESCAPE)
    assert page.state() == "busy", page.state()
    page.start("notebook:interrupt-kernel")
    page.until(lambda: page.state() == "idle", "the interrupt ended the training", 60)
    page.run(2)
    assert "interrupted: true" in text_of(page.outputs(2)), page.outputs(2)
    page.run(3)
    shown = page.outputs(3)
    assert not errors_of(shown), shown
    assert page.figures(3) == 2, [sorted(o.get("data", {"text": 0})) for o in shown]
    time.sleep(1)
    page.shot("05-interrupted-and-figures")

    # Restart and run all: the endless training becomes a short one.
    page.script(page.panel + "panel.content.widgets[1].model.sharedModel.setSource(arguments[0]);",
                CELLS[1].replace("1_000_000", "20"))
    for index in (4, 5):
        page.script(page.panel + "panel.content.widgets[arguments[0]].model.sharedModel.setSource('1 + 1');", index)
    page.start("notebook:restart-run-all")
    dialog = ".jp-Dialog .jp-mod-accept"
    page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, dialog), "the dialog asks", 30)
    page.driver.find_element(By.CSS_SELECTOR, dialog).click()
    page.until(lambda: page.counts() == [1, 2, 3, 4, 5, 6] and page.state() == "idle", "all ran after the restart", 120)
    assert not [e for i in range(6) for e in errors_of(page.outputs(i))]
    assert page.figures(3) == 2
    page.shot("06-restart-and-run-all")


def untrusted(page):
    """The committed notebook, not trusted, where our renderer is not installed: its figures are pictures."""
    page.open("01.ipynb")
    assert not page.script(page.panel + "return panel.content.model.cells.get(1).trusted;")
    kinds = page.script(page.panel + "return panel.content.widgets.map(c => c.model.type)")
    wanted = {i: sum(FIGURE in o.get("data", {}) for o in page.outputs(i)) for i, kind in enumerate(kinds) if kind == "code"}
    assert sum(wanted.values()) >= 3, wanted
    for i, count in wanted.items():
        page.until(lambda: page.pictures(i) >= count, f"{count} pictures of cell {i}", 20)
    page.pictures(next(i for i in wanted if wanted[i]))
    page.shot("07-untrusted")


def visit(kind, out, notebooks, steps, data=None):
    """Runs the steps on a server of their own, on which the notebooks lie, inside the repository as its own do."""
    (ROOT / "target").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as folder:
        folder = pathlib.Path(folder)
        server = Server(kind, folder, data)
        for name, content in notebooks.items():
            (folder / "work" / name).write_text(json.dumps(content))
        page = None
        try:
            page = Page(server, kind, out)
            for step in steps:
                start = time.time()
                print(f"{kind}: {step.__doc__}")
                step(page)
                print(f"  {time.time() - start:.0f} s")
        finally:
            if page:
                page.driver.quit()
            server.end()


def kernelspec_alone(folder):
    """A Jupyter data folder with the kernel and without its renderer."""
    found = jupyter_client.kernelspec.find_kernel_specs()["widemargin"]
    shutil.copytree(found, folder / "kernels/widemargin")
    return folder


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="*", default=["lab", "notebook"])
    parser.add_argument("--out", default="target/browser")
    arguments = parser.parse_args()
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    committed = json.loads(sorted((ROOT / "notebooks").glob("01-*.ipynb"))[0].read_text())
    committed["metadata"]["kernelspec"] = KERNEL
    first = unexecuted(committed)
    for kind in arguments.kinds:
        notebooks = {"01.ipynb": first, "steps.ipynb": notebook([*CELLS, "", ""])}
        visit(kind, out, notebooks, [help_and_interrupts, whole_notebook])
        with tempfile.TemporaryDirectory() as data:
            visit(kind, out, {"01.ipynb": committed}, [untrusted], kernelspec_alone(pathlib.Path(data)))


if __name__ == "__main__":
    main()
