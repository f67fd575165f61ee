"""Every notebook, run from top to bottom in JupyterLab, in a real browser without a network. For people: it leaves screenshots.

    (as for browser.py)
    python tests/kernel/browser_all.py [names such as 01 07] [--out DIR]

Fails at the first cell with an error, figure that is not drawn, or error in the browser's console.
"""

import argparse
import json
import pathlib
import time

from browser import KERNEL, ROOT, run_all, unexecuted, visit


def step(name):
    def whole(page):
        for number, i in enumerate(run_all(page, name)):
            page.figures(i)
            time.sleep(1)
            page.shot(f"{name.removesuffix('.ipynb')}-{number}")
        # A name that the network would have to resolve is no fault of the page.
        errors = [e["message"] for e in page.driver.get_log("browser") if "ERR_NAME_NOT_RESOLVED" not in e["message"]]
        assert not errors, errors

    whole.__doc__ = name
    return whole


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--out", default="target/browser")
    arguments = parser.parse_args()
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if arguments.names and not any(path.name.startswith(name) for name in arguments.names):
            continue
        content = unexecuted(json.loads(path.read_text()))
        content["metadata"]["kernelspec"] = KERNEL
        visit("lab", out, {path.name: content}, [step(path.name)])


if __name__ == "__main__":
    main()
