"""Models that do not come with this package: a registry, downloads, a folder where they live."""
