//! Cut and paste at sub-pixel positions.
