"""What every LLM call costs, exactly: counted once, priced to the last published digit."""
