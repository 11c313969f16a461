"""What was timed, in Markdown, and what a machine such as this takes."""

import os
from pathlib import Path

from report.readme import MACHINE
from report.tables import line
from support.files import read_json, write_json


def table(result: dict) -> str:
    """The results in Markdown."""
    limits, short = result["limits"], ""
    if "bfloat16" in limits:
        short = f" ({limits['bfloat16'] / 1e9:,.0f} in bfloat16)"
    lines = [line("work", "ours", "peer", "ratio", "of the machine's limit"),
             "|---|---:|---:|---:|---:|"]
    for one in result["rows"]:
        ours, theirs = one["ours"], one["peers"]
        rate = f"{ours:,.{1 if one['unit'] == 's' else 0}f} {one['unit']}"
        lines.append(line(one["work"], rate, f"{theirs:,.0f} ({one['peer']})" if theirs else "",
                          f"{one['ratio']:.2f} x" if theirs else "",
                          f"{one['limit_fraction']:.0%}" if one["limit_fraction"] else ""))
    lines += ["", f"Device {result['manifest']['device']}, {result['manifest']['threads']} thread "
              "(`make-all`: as many stages at a time as there are processors, a thread each); a "
              f"matrix product runs at {limits['float32'] / 1e9:,.0f} GFLOP/s there{short}, a copy "
              f"at {limits['copy_bytes'] / 1e9:,.1f} GB/s. Medians of {result['repeats']} turns."]
    for one in result["rows"]:
        if stages := one.get("stages"):
            total = sum(stage["seconds"] for stage in stages.values())
            lines += ["", "| stage of `make all` | share of the time | peak memory of a process |",
                      "|---|---:|---:|"]
            lines += [line(f"`{name}`", f"{stage['seconds'] / total:.0%}", f"{stage['mb']:,} MB")
                      for name, stage in stages.items()]
    return "\n".join(lines) + "\n"


def note_machine(
    path: Path, device: str, rows: dict[str, dict], limits: dict[str, float]
) -> None:
    """Write down what `make all` takes on a machine such as this, one line for each rate."""
    rate, cores = limits["float32"] / 1e9, os.cpu_count()
    known = read_json(path, [MACHINE]) if path.exists() else []
    alike = [one for one in known if (one["device"], one["cores"]) == (device, cores)
             and abs(one["gflops"] / rate - 1) < 0.1]
    took = {name: rows[work]["ours"] / 60
            for name, work in (("expected", "machine"), ("minutes", "make-all")) if work in rows}
    this = {"minutes": None, "expected": None, **(alike[0] if alike else {}), **took}
    write_json(path, [*(one for one in known if one not in alike),
                      {**this, "device": device, "cores": cores, "gflops": rate}])
