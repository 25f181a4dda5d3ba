//! `takings serve`: the scheduler.

use std::process::ExitCode;

use crate::cli::{Cli, ServeArgs};
use crate::failure::Result;

pub async fn serve(cli: &Cli, args: &ServeArgs) -> Result<ExitCode> {
    let failed = crate::serve::serve(cli, args.once).await?;
    // A scheduler that was asked to stop did what it was asked; what failed before stands in the ledger.
    Ok(if args.once && failed > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
