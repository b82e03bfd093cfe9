//! Merge, views, likelihoods and their adjoints.
