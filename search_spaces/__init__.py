"""One search space a file (YAML), and the study files that go with them."""
