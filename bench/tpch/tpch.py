"""TPC-H: Yoda beside DuckDB in one run, alternating; answers are compared before times count.

Driven by `run` (which sees to the packages and the program). One folder per scale holds the .tbl
files, yoda.db (SQLite with its columns) and DuckDB's two databases: money as DECIMAL, as TPC-H
declares it, and as DOUBLE. A ratio is Yoda's median over that of DuckDB's better schema, the one
with the lower geometric mean.
"""

import argparse
import contextlib
import datetime
import decimal
import fcntl
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SCHEMAS = ("decimal", "double")
TOLERANCE = 1e-9

TABLES = {
    "region": "r_regionkey I, r_name T, r_comment T",
    "nation": "n_nationkey I, n_name T, n_regionkey I, n_comment T",
    "supplier": "s_suppkey I, s_name T, s_address T, s_nationkey I, s_phone T, s_acctbal M,"
    " s_comment T",
    "customer": "c_custkey I, c_name T, c_address T, c_nationkey I, c_phone T, c_acctbal M,"
    " c_mktsegment T, c_comment T",
    "part": "p_partkey I, p_name T, p_mfgr T, p_brand T, p_type T, p_size I, p_container T,"
    " p_retailprice M, p_comment T",
    "partsupp": "ps_partkey I, ps_suppkey I, ps_availqty I, ps_supplycost M, ps_comment T",
    "orders": "o_orderkey I, o_custkey I, o_orderstatus T, o_totalprice M, o_orderdate D,"
    " o_orderpriority T, o_clerk T, o_shippriority I, o_comment T",
    "lineitem": "l_orderkey I, l_partkey I, l_suppkey I, l_linenumber I, l_quantity M,"
    " l_extendedprice M, l_discount M, l_tax M, l_returnflag T, l_linestatus T, l_shipdate D,"
    " l_commitdate D, l_receiptdate D, l_shipinstruct T, l_shipmode T, l_comment T",
}


# ---- Data


def make_tables(folder, scale):
    if (folder / "lineitem.tbl").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    tool = pathlib.Path(sys.executable).with_name("tpchgen-cli")
    print(f"generating scale {scale:g}", file=sys.stderr)
    subprocess.run([tool, "tbl", "-q", "-s", f"{scale:g}", "-o", folder], check=True)


def make_yoda(folder, program):
    if (folder / "yoda.db").exists():
        return
    print("loading SQLite and its columns", file=sys.stderr)
    part = folder / "loading.db"
    for old in folder.glob("loading.db*"):
        subprocess.run(["rm", "-rf", old], check=True)
    subprocess.run([program, "load", part, folder], check=True)
    for made in folder.glob("loading.db*"):
        made.rename(folder / made.name.replace("loading.db", "yoda.db"))


def duckdb_columns(table, schema):
    money = "DECIMAL(15,2)" if schema == "decimal" else "DOUBLE"
    types = {"I": "BIGINT" if table in ("orders", "lineitem") else "INTEGER", "T": "VARCHAR",
             "M": money, "D": "DATE"}
    pairs = [column.split() for column in TABLES[table].split(", ")]
    return {name: "INTEGER" if name == "l_linenumber" else types[kind] for name, kind in pairs}


def make_duckdb(folder, schema):
    import duckdb

    path = folder / f"duckdb-{schema}.db"
    if path.exists():
        return path
    print(f"loading DuckDB with {schema.upper()} money", file=sys.stderr)
    part = folder / f"loading-{schema}.db"
    part.unlink(missing_ok=True)
    with duckdb.connect(str(part)) as con:
        for table in TABLES:
            columns = duckdb_columns(table, schema)
            body = ", ".join(f"{name} {kind} NOT NULL" for name, kind in columns.items())
            con.execute(f"CREATE TABLE {table}({body})")
            # Every line ends with "|": one empty column more.
            spec = ", ".join(f"'{n}': '{k}'" for n, k in columns.items())
            con.execute(
                f"INSERT INTO {table} SELECT * EXCLUDE (last_) FROM"
                f" read_csv('{folder}/{table}.tbl',"
                f" delim='|', header=false, quote='', escape='', auto_detect=false,"
                f" columns={{{spec}, 'last_': 'VARCHAR'}})")
        con.execute("CHECKPOINT")
    part.rename(path)
    return path


# ---- The two sides


class Yoda:
    """A process of yoda_tpch that answers requests; see yoda_tpch.c for their form."""

    def __init__(self, program, database, options):
        self.process = subprocess.Popen([program, "serve", database, *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def query(self, sql, side="column", timeout_ms=0):
        """Returns (seconds, rows); raises RuntimeError with Yoda's message."""
        data = sql.encode()
        try:
            self.process.stdin.write(f"{side} {timeout_ms} {len(data)}\n".encode() + data)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        head = self.process.stdout.readline().decode().rstrip("\n")
        if not head:
            raise SystemExit(f"yoda_tpch ended: {self.process.wait()}; the query:\n{sql}")
        if not head.startswith("ok "):
            raise RuntimeError(head.removeprefix("error "))
        _, nanoseconds, rows, _ = head.split()
        lines = [self.process.stdout.readline().decode().rstrip("\n") for _ in range(int(rows))]
        return int(nanoseconds) / 1e9, [tuple(map(parse, line.split("\t"))) for line in lines]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def parse(field):
    kind, text = field[:1], field[1:]
    if kind == "i":
        return int(text)
    if kind == "r":
        return float(text)
    if kind == "n":
        return None
    if kind == "x":
        return bytes.fromhex(text)
    return text.replace("\\t", "\t").replace("\\n", "\n").replace("\\\\", "\\")


def duckdb_query(con, sql):
    start = time.perf_counter()
    table = con.sql(sql).to_arrow_table()
    return time.perf_counter() - start, table


def plain_rows(table):
    return [tuple(map(plain, row.values())) for row in table.to_pylist()]


def plain(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return value


# ---- Equality


def same(a, b):
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= TOLERANCE * max(abs(a), abs(b), 1e-3)
    return a == b


def sort_key(row):
    texts = [str(v) for v in row if not isinstance(v, (int, float))]
    return texts, [round(v, 2) for v in row if isinstance(v, (int, float))]


def difference(rows, others):
    """None, or the first difference in words. Rows that ORDER BY leaves tied may change places."""
    if len(rows) != len(others):
        return f"{len(rows)} rows against {len(others)}"
    pairs = list(zip(rows, others))
    if not all(same(a, b) for x, y in pairs for a, b in zip(x, y)):
        pairs = list(zip(sorted(rows, key=sort_key), sorted(others, key=sort_key)))
    for i, (x, y) in enumerate(pairs):
        if len(x) != len(y) or not all(same(a, b) for a, b in zip(x, y)):
            return f"row {i}: {x} against {y}"
    return None


# ---- Measuring


def geomean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def query_text(number):
    return (HERE / "queries" / f"q{number:02}.sql").read_text()


def measure_query(number, yoda, cons, rounds):
    """One query: warm each side once, compare, then alternate."""
    sql = query_text(number)
    result = {"query": number, "yoda": [], **{schema: [] for schema in cons}}
    try:
        _, rows = yoda.query(sql)
    except RuntimeError as error:
        result["error"] = str(error)
        rows = None
    for schema, con in cons.items():
        _, table = duckdb_query(con, sql)
        if rows is not None and (why := difference(rows, plain_rows(table))):
            result["error"] = f"DuckDB ({schema}) differs: {why}"
    for _ in range(rounds):
        if rows is not None:
            result["yoda"].append(yoda.query(sql)[0])
        for schema, con in cons.items():
            result[schema].append(duckdb_query(con, sql)[0])
    return result


def measure(threads, args, folder, database):
    with contextlib.ExitStack() as stack:
        options = [f"threads={threads}", "sync_interval_ms=0", *args.option]
        yoda = stack.enter_context(contextlib.closing(Yoda(args.program, database, options)))
        cons = {}
        if not args.no_duckdb:
            import duckdb

            for schema in SCHEMAS:
                con = duckdb.connect(str(folder / f"duckdb-{schema}.db"), read_only=True)
                cons[schema] = stack.enter_context(con)
                con.execute(f"SET threads = {threads}")
        results = []
        for number in args.query:
            results.append(measure_query(number, yoda, cons, args.rounds))
            if sys.stderr.isatty():
                print(f"  Q{number}", end="\r", file=sys.stderr)
        if args.sqlite:
            compare_sqlite(yoda, results, args)
    return {"threads": threads, "results": results, **summary(results)}


def compare_sqlite(yoda, results, args):
    for result in results:
        sql = query_text(result["query"])
        try:
            seconds, wanted = yoda.query(sql, "row", int(args.timeout * 1000))
        except RuntimeError as error:
            result["sqlite"] = str(error).split(":")[0].lower()
            continue
        result["sqlite"] = seconds
        if result["yoda"]:
            why = difference(yoda.query(sql)[1], wanted)
            if why:
                result["error"] = f"SQLite differs: {why}"


def median(samples):
    return statistics.median(samples) if samples else None


def summary(results):
    good = [r for r in results if r["yoda"] and "error" not in r]
    out = {"answered": len(good), "asked": len(results),
           "yoda_geomean": geomean(median(r["yoda"]) for r in good)}
    schemas = [s for s in SCHEMAS if results and results[0].get(s)]
    for schema in schemas:
        out[f"{schema}_geomean"] = geomean(median(r[schema]) for r in good)
        out[f"{schema}_geomean_all"] = geomean(median(r[schema]) for r in results)
    if schemas and good:
        out["better"] = min(schemas, key=lambda s: out[f"{s}_geomean"])
        out["ratio"] = geomean(median(r["yoda"]) / median(r[out["better"]]) for r in good)
    return out


# ---- Reporting


def milliseconds(samples):
    if not samples:
        return f"{'-':>24}"
    low, middle, high = (1e3 * f(samples) for f in (min, median, max))
    return f"{middle:9.2f} [{low:.1f}..{high:.1f}]".ljust(24)


def print_run(run):
    schemas = [s for s in SCHEMAS if run["results"][0].get(s)]
    heads = "".join(f"{'DuckDB ' + s.upper() + ', ms':<24}" for s in schemas)
    print(f"\n{run['threads']} thread(s)\n{'query':7}{'Yoda, ms':<24}{heads}{'ratio':>7}  SQLite, s")
    for r in run["results"]:
        cells = "".join(milliseconds(r[s]) for s in schemas)
        ratio = f"{'':7}"
        if r["yoda"] and "better" in run:
            ratio = f"{median(r['yoda']) / median(r[run['better']]):7.2f}"
        sqlite = r.get("sqlite", "")
        sqlite = f"  {sqlite:.2f}" if isinstance(sqlite, float) else f"  {sqlite}"
        print(f"Q{r['query']:<6}{milliseconds(r['yoda'])}{cells}{ratio}{sqlite}")
        if "error" in r:
            print(f"       {r['error']}")
    print(f"answered {run['answered']} of {run['asked']}; geometric means of those, ms: Yoda"
          f" {1e3 * run['yoda_geomean']:.1f}"
          + "".join(f", DuckDB {s.upper()} {1e3 * run[f'{s}_geomean']:.1f}" for s in schemas))
    if "ratio" in run:
        print(f"geometric mean of the ratios to DuckDB {run['better'].upper()}: {run['ratio']:.3f}")


def plot(run, path):
    """Bars of the ratios, as SVG; the line is 1.0."""
    bars = [(r["query"], median(r["yoda"]) / median(r[run["better"]])) for r in run["results"]
            if r["yoda"] and r.get(run["better"])]
    top = max(2.0, *(ratio for _, ratio in bars)) if bars else 2.0
    height, step = 200, 28
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{step * len(bars) + 60}"'
             f' height="{height + 50}" font-family="sans-serif" font-size="11">',
             f'<text x="40" y="14">time of Yoda / DuckDB, {run["threads"]} threads</text>']
    for i, (number, ratio) in enumerate(bars):
        tall = height * ratio / top
        colour = "#3b7" if ratio <= 1 else "#c63"
        parts.append(f'<rect x="{40 + i * step}" y="{20 + height - tall:.1f}" width="{step - 6}"'
                     f' height="{tall:.1f}" fill="{colour}"><title>{ratio:.2f}</title></rect>'
                     f'<text x="{40 + i * step}" y="{height + 34}">Q{number}</text>')
    level = 20 + height - height / top
    parts.append(f'<path d="M36 {level:.1f}H{step * len(bars) + 44}" stroke="#333"/>'
                 f'<text x="10" y="{level + 4:.1f}">1.0</text></svg>')
    path.write_text("\n".join(parts))


def print_table(rows):
    rows = [["" if v is None else f"{v:.3f}" if isinstance(v, float) else str(v) for v in row]
            for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        tail = "  ".join(v.rjust(w) for v, w in zip(row[1:], widths[1:]))
        print(f"{row[0].ljust(min(widths[0], 100))}  {tail}".rstrip())


def profile(args, database):
    options = [f"threads={args.threads[0]}", "sync_interval_ms=0", *args.option]
    with contextlib.closing(Yoda(args.program, database, options)) as yoda:
        for number in args.query:
            sql = query_text(number)
            with contextlib.suppress(RuntimeError):
                yoda.query(sql)  # warm
            try:
                seconds, rows = yoda.query("EXPLAIN YODA ANALYZE " + sql, "auto")
            except RuntimeError:
                seconds, rows = yoda.query("EXPLAIN YODA " + sql, "auto")
            print(f"-- Q{number}: {1e3 * seconds:.2f} ms")
            print_table(rows)


def numbers(text):
    return [int(part) for part in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(prog="bench/tpch/run", description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--data", type=pathlib.Path, help="folder of this scale's data")
    parser.add_argument("--query", type=numbers, default=list(range(1, 23)), metavar="N[,N]...")
    parser.add_argument("--threads", type=numbers, default=[2, 1], metavar="N[,N]...")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="EXPLAIN YODA ANALYZE, nothing else")
    parser.add_argument("--no-duckdb", action="store_true", help="time Yoda alone")
    parser.add_argument("--sqlite", action="store_true", help="hold answers against SQLite's too")
    parser.add_argument("--timeout", type=float, default=60, help="seconds SQLite may take")
    parser.add_argument("--option", action="append", default=[], help="name=value, to yoda_open")
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder of the results")
    return parser.parse_args()


def main():
    args = arguments()
    folder = args.data or args.output / f"tpch-sf{args.scale:g}"
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "measuring.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another run on this data", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        make_tables(folder, args.scale)
        make_yoda(folder, args.program)
        database = folder / "yoda.db"
        if args.profile:
            profile(args, database)
            return 0
        if not args.no_duckdb:
            for schema in SCHEMAS:
                make_duckdb(folder, schema)
        runs = []
        for threads in args.threads:
            runs.append(measure(threads, args, folder, database))
            print_run(runs[-1])
            if "better" in runs[-1]:
                plot(runs[-1], args.output / f"tpch-{threads}.svg")
    report = {"scale": args.scale, "cpus": os.cpu_count(), "runs": runs}
    (args.output / "tpch.json").write_text(json.dumps(report, indent=1))
    print(f"{args.output}/tpch.json written")
    errors = [r.get("error", "") for run in runs for r in run["results"]]
    return 1 if any("differs" in error for error in errors) else 0


sys.exit(main())
