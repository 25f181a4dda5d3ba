//! First drafts of channel files from samples.
