"""Runs that are stopped or killed while children and grandchildren run: nothing is left of them. And secrets: they are seen nowhere."""
