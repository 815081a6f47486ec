"""A program with the command line of Earthly and EarthBuild, for tests where neither can be had: it builds with our own evaluator."""
