//! An error or a panic and what led to it, as one sentence for a person.

use std::{any::Any, error::Error};

/// The error and its causes, from the outermost in. A cause that the sentence quotes already is left out.
pub fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = cause.source();
    }
    message
}

/// What a panic said.
pub fn panic_message(fault: &(dyn Any + Send)) -> &str {
    fault
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| fault.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason was given")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open a.csv")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("line 3 is broken")]
    struct Inner;

    #[derive(Debug, thiserror::Error)]
    #[error("reading failed: line 3 is broken")]
    struct Quoting(#[source] Inner);

    #[test]
    fn each_cause_is_told_once() {
        assert_eq!(
            with_causes(&Outer(Inner)),
            "cannot open a.csv: line 3 is broken"
        );
        assert_eq!(
            with_causes(&Quoting(Inner)),
            "reading failed: line 3 is broken"
        );
    }
}
