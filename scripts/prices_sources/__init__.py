"""The parts of `scripts/generate_prices.py`: catalogues, pages, cross-check."""
