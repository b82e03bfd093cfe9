//! Train, infer and check-loss as a user runs them.
