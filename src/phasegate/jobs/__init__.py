"""The pipeline on GitHub: each step is a job, and nobody has to believe what crosses between them."""
