"""Tools for the template's maintainers: pages, versions, releases, branch coverage."""
