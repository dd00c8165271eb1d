"""What maintainers of the template run: pages, versions, releases, coverage of branches."""
