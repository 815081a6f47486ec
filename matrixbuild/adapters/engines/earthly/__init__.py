"""The Earthly engine: Earthly targets of any kind in, built by a real Earthly or EarthBuild; pushed images and artifacts out."""
