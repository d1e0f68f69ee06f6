"""The parts of `scripts/generate_prices.py`: upstream catalogues, hand-written pages, cross-check, shipped form."""
