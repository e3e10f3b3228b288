"""A day's orders of a shop, joined and summed with pandas, and a small leak.

What a memory profile of it shows: at the peak the second merge copies a whole table beside the
first one's result, and read_csv's texts, one object each, hold as much; at the end there are the
reports that `_recent_reports` never lets go of.

heapscope run -o demo.hscope examples/demo.py
heapscope summary demo.hscope
"""

from __future__ import annotations

import csv
import random
import tempfile
from pathlib import Path

import pandas

ORDERS = 600_000
PRODUCTS = 2_000
CUSTOMERS = 20_000
COUNTRIES = ("AT", "BR", "CA", "DE", "ES", "FR", "GB", "IN", "JP", "US")
KINDS = ("book", "game", "garden", "music", "tool", "toy")

_recent_reports: dict[tuple[str, str], str] = {}


def write_tables(directory: Path) -> None:
    """Write the shop's three tables as CSV, the same ones every time."""
    chance = random.Random(20_240_229)
    with (directory / "products.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["product", "kind", "price"])
        for product in range(PRODUCTS):
            rows.writerow([product, chance.choice(KINDS), chance.randrange(100, 20_000) / 100])
    with (directory / "customers.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer", "country"])
        for customer in range(CUSTOMERS):
            rows.writerow([customer, chance.choice(COUNTRIES)])
    customers = chance.choices(range(CUSTOMERS), k=ORDERS)
    products = chance.choices(range(PRODUCTS), k=ORDERS)
    pieces = chance.choices(range(1, 6), k=ORDERS)
    with (directory / "orders.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["order", "customer", "product", "pieces", "parcel", "contact"])
        for order, (customer, product, count) in enumerate(
            zip(customers, products, pieces, strict=True)
        ):
            parcel, contact = f"1Z{order * 7919:016}", f"customer{order:07}@example.org"
            rows.writerow([order, customer, product, count, parcel, contact])


def join_tables(directory: Path) -> pandas.DataFrame:
    """Return one row an order, with its price, kind and country."""
    orders = pandas.read_csv(directory / "orders.csv")
    products = pandas.read_csv(directory / "products.csv")
    customers = pandas.read_csv(directory / "customers.csv")
    joined = orders.merge(products, on="product").merge(customers, on="customer")
    joined["revenue"] = joined["pieces"] * joined["price"]
    return joined.sort_values(["country", "kind", "order"])


def report(orders: pandas.DataFrame, country: str, kind: str) -> str:
    """Return the orders of one country and kind as text, and keep it for the next time."""
    chosen = orders[(orders["country"] == country) & (orders["kind"] == kind)]
    text = chosen.head(1_000).to_csv(index=False)
    _recent_reports[country, kind] = text  # the leak: nothing ever leaves
    return text


def main() -> None:
    """Print the revenue by country and kind, and write a report on each."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_tables(directory)
        orders = join_tables(directory)
    revenue = orders.groupby(["country", "kind"])["revenue"].sum().unstack()
    print(revenue.round().astype(int).to_string())
    characters = sum(len(report(orders, country, kind)) for country in COUNTRIES for kind in KINDS)
    print(f"{len(_recent_reports)} reports, {characters:,} characters")


if __name__ == "__main__":
    main()
