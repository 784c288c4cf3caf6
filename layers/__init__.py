"""One layer type a file; its templates beside it as `NAME.j2`."""
