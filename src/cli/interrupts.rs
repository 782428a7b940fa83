//! Ctrl-C.

use anyhow::Context;
use crossbeam_channel::Receiver;

/// Tells of Ctrl-C and of a polite request to end. Where there are no such signals (Windows), Ctrl-C ends the program at
/// once; the next run goes on behind the last whole line.
pub(super) fn catch() -> anyhow::Result<Receiver<()>> {
    let (sender, interrupts) = crossbeam_channel::bounded(1);
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
            .context("Ctrl-C could not be caught")?;
        std::thread::Builder::new()
            .name("overrule-signals".to_owned())
            .spawn(move || {
                for _ in signals.forever() {
                    // One that is not taken yet is enough.
                    let _ = sender.try_send(());
                }
            })
            .context("a thread for Ctrl-C could not be started")?;
    }
    #[cfg(not(unix))]
    std::mem::forget(sender);
    Ok(interrupts)
}
