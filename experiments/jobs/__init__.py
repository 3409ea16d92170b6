"""What is computed as many jobs: locks, executors, SLURM."""
