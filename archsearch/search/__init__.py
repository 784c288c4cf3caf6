"""The search: proposes architectures within the budget and names a winner."""
