"""The benchmarks' table says what was measured."""

from tests.benchmarks import table


def bench(name, median, **info):
    return {"name": name, "median": median, "extra_info": info}


def test_numbers_of_a_row():
    ours = bench("test_ours", 0.064, unit="frame", items=64, gflop=0.05, reach=2e-3)
    theirs = bench("test_theirs", 0.02, unit="frame", reach=2e-3)
    row, other = table.row(ours, 0.02, 100.0), table.row(theirs, 0.02, 100.0)
    assert row == ("  ours", "1 ms", "frame", "1,000", "20", "50", "50%", "< 2 ms", "reached")
    assert other[-1] == "MISSED" and other[4] == "1" and other[5] == ""


def test_columns_line_up():
    lines = table.lines([("a", [bench("test_x", 2.0), bench("test_longer_name", 3e-5)]), (None, [bench("test_y", 1e-9)])], None)
    ends = {line.index(unit) + len(unit) for line in lines for unit in ("2 s", "30 us", "1 ns") if unit in line}
    assert len(ends) == 1 and "other" in lines
