"""The measured applications. Each runs in a rendered project's environment."""
