"""The start page: choose the answers of a project in the browser, look at it, download it."""
