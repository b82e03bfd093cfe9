//! Run folders: `runs/<study>/<task>/` with manifest, history, log, checkpoint and outputs.
