"""Shipped knowledge of Earthfile families, as data files beside this module."""
