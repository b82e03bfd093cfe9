//! Likelihoods of counts and their gradients for the rate.
