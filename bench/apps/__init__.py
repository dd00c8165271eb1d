"""What is measured. Each runs in the environment of a rendered project, with what it has there."""
