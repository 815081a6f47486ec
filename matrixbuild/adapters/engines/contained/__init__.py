"""Earthly through Docker: where there is no program, its image; one builder kept in a container, and a container for each call."""
