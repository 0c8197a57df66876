"""HTTP that every process shares: health, metrics, problem documents."""
