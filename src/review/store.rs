//! The session file: all SQL lives here.

/// Why a session file could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// To be filled.
    #[error("{0}")]
    Other(String),
}
