"""Notebook 01 through the programs by which people execute notebooks: nbclient, nbconvert and papermill.

    pip install nbclient nbconvert papermill && widemargin kernel install && python tests/kernel/executors.py
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import nbclient
import nbformat

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIGURE = "application/vnd.plotly.v1+json"


def check(notebook):
    """Every cell ran, none failed, and each figure has its picture."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    figures = [output.data for output in outputs if FIGURE in output.get("data", {})]
    assert len(figures) > 3 and all("image/png" in figure and "text/plain" in figure for figure in figures)
    return len(cells), len(figures)


def by_nbclient(source, folder):
    notebook = nbformat.read(source, 4)
    nbclient.NotebookClient(notebook, kernel_name="widemargin", timeout=600).execute()
    return notebook


def by_nbconvert(source, folder):
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", "--ExecutePreprocessor.timeout=600",
               "--ExecutePreprocessor.kernel_name=widemargin", f"--output-dir={folder}", "--output=converted", str(source)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return nbformat.read(folder / "converted.ipynb", 4)


def by_papermill(source, folder):
    milled = folder / "milled.ipynb"
    command = [sys.executable, "-m", "papermill", "-k", "widemargin", "--no-progress-bar", str(source), str(milled)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return nbformat.read(milled, 4)


def main():
    source = sorted((ROOT / "notebooks").glob("01-*.ipynb"))[0]
    for run in (by_nbclient, by_nbconvert, by_papermill):
        with tempfile.TemporaryDirectory() as folder:
            start = time.time()
            # what a run leaves is its own: the committed outputs are not there before it
            notebook = nbformat.read(source, 4)
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
            bare = pathlib.Path(folder) / "bare.ipynb"
            nbformat.write(notebook, bare)
            cells, figures = check(run(bare, pathlib.Path(folder)))
            print(f"{run.__name__}: {cells} cells, {figures} figures, {time.time() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
