"""The runner: unknown parameters and failing cells stop it with one sentence, and results are left to look at."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebooks import run

PARAMETERS = 'profile = "smoke"  # size of the run\nepochs = 3  # passes\nrate = 0.5\nvideo = ""'


def notebook(folder, name, *sources, parameters=PARAMETERS):
    cells = [new_markdown_cell("# A test"), new_code_cell(parameters, metadata={"tags": ["parameters"]}), *map(new_code_cell, sources)]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path


def start(folder, *arguments):
    return run.main(["--notebooks", str(folder), "--runs", str(folder / "runs"), *arguments])


def test_results_are_left_and_recorded(tmp_path, capsys):
    notebook(tmp_path, "00_first", "print(epochs * 2, profile)", "import pathlib; pathlib.Path('runs/a.mp4').touch()")
    assert start(tmp_path, "-p", "epochs=21") == 0
    executed = (tmp_path / "runs" / "00_first.ipynb").read_text()
    assert "42 smoke" in executed and "42 smoke" in (tmp_path / "runs" / "00_first.html").read_text()
    record = json.loads((tmp_path / "runs" / "record.json").read_text())["smoke"]["00_first"]
    assert record["minutes"] > 0 and record["peak_memory_gb"] > 0.01 and record["parameters"]["epochs"] == 21
    printed = capsys.readouterr().out
    assert "00_first.html" in printed and "a.mp4" in printed


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["-p", "epoch=21"], "00_first has no parameter 'epoch'; it has profile, epochs, rate, video"),
        (["-p", "epochs=many"], "parameter epochs is 'many', but must be like its default 3"),
        (["-p", "epochs"], "-p takes NAME=VALUE"),
        (["--only", "05"], "there is no notebook '05'; there are 00_first"),
    ],
)
def test_a_mistaken_option_fails_before_anything_runs(tmp_path, capsys, arguments, sentence):
    notebook(tmp_path, "00_first")
    assert start(tmp_path, *arguments) == 1
    assert sentence in capsys.readouterr().err and not (tmp_path / "runs").exists()


def test_several_times_and_the_first_failure_ends_it(tmp_path, capsys):
    again = "import pathlib; n = len(list(pathlib.Path('runs').glob('seen*'))); pathlib.Path(f'runs/seen{n}').touch(); assert n < 3"
    notebook(tmp_path, "00_first", again)
    assert start(tmp_path, "--times", "2") == 0
    assert len(list((tmp_path / "runs").glob("seen*"))) == 2 and "all 1 ran 2 times" in capsys.readouterr().out
    assert start(tmp_path, "--times", "5") == 1 and "00_first" in capsys.readouterr().err
    assert len(list((tmp_path / "runs").glob("seen*"))) == 4


def test_papermill_alone_accepts_an_unknown_parameter(tmp_path):
    """Why the runner checks: without it a misspelt name changes nothing and nobody is told."""
    import papermill

    papermill.execute_notebook(str(notebook(tmp_path, "00_first")), str(tmp_path / "out.ipynb"), {"epoch": 21}, progress_bar=False)


def test_values_of_a_fitting_type_pass():
    run.check_type("00_first", "rate", 1, "0.5")
    run.check_type("00_first", "video", "me.mp4", "''")
    with pytest.raises(run.Failed):
        run.check_type("00_first", "epochs", True, "3")


def test_the_first_failing_cell_is_named_and_nothing_after_it_runs(tmp_path, capsys):
    notebook(tmp_path, "00_first", "x = 1", "# the check\nassert x == 2, 'x must be two'")
    notebook(tmp_path, "01_second", "print('never')")
    assert start(tmp_path) == 1
    error = capsys.readouterr().err
    assert "00_first, cell 4 (`# the check`): AssertionError: x must be two" in error
    log = (tmp_path / "runs" / "00_first.log").read_text()
    assert "assert x == 2" in log and "\x1b" not in log and str(tmp_path / "runs" / "00_first.log") in error
    assert (tmp_path / "runs" / "00_first.html").exists()
    assert not (tmp_path / "runs" / "01_second.ipynb").exists() and not (tmp_path / "runs" / "record.json").exists()


def test_a_cell_that_takes_too_long_is_named(tmp_path, capsys):
    notebook(tmp_path, "00_first", "import time; time.sleep(60)", "print('never started')")
    assert start(tmp_path, "--execution-timeout", "1") == 1
    assert "00_first, cell 3 (`import time; time.sleep(60)`)" in capsys.readouterr().err


def test_a_kernel_that_dies_is_named(tmp_path, capsys):
    notebook(tmp_path, "00_first", "import os; os._exit(9)", "print('never started')")
    assert start(tmp_path) == 1
    assert "00_first, cell 3 (`import os; os._exit(9)`)" in capsys.readouterr().err


def test_a_progress_bar_is_one_line_of_the_page(tmp_path):
    path = notebook(tmp_path, "00_first", "train()")
    book = nbformat.read(path, 4)
    bars = [new_output("stream", name="stderr", text=f"\r{n}% of the bar") for n in range(100)]
    book.cells[2].outputs = [*bars[:50], new_output("stream", name="stdout", text="half way\n"), *bars[50:]]
    nbformat.write(book, path)
    run.write_html(path)
    page = path.with_suffix(".html").read_text()
    assert page.count("of the bar") == 1 and "99% of the bar" in page and "half way" in page
    assert nbformat.read(path, 4) == book, "the notebook itself keeps all of its output"


def test_keep_writes_outputs_back_without_the_injected_cell(tmp_path):
    path = notebook(tmp_path, "00_first", "print('shown')", "import sys; print('bar', file=sys.stderr)")
    before = nbformat.read(path, 4)
    assert start(tmp_path, "--keep") == 0
    after = nbformat.read(path, 4)
    assert [c.source for c in after.cells] == [c.source for c in before.cells] and after.metadata == before.metadata
    assert [c.execution_count for c in after.cells if c.cell_type == "code"] == [1, 2, 3]
    assert after.cells[2].outputs[0].text == "shown\n" and after.cells[3].outputs == []
    nbformat.validate(after)
