"""运营台: the operator's pages, on a host of their own."""
