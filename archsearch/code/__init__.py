"""Programs that models write: read off replies, tested, judged; `archsearch.sandbox` runs them."""
