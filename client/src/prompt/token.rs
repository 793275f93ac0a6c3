//! Asking for the token that an agent wants.

use std::io::{self, IsTerminal};

use super::at_terminal_hidden;
use crate::link::{self, Endpoint};
use crate::secrets::token::{InvalidToken, Token};

/// Dials once before there is a screen: where the agent wants a token, and standard input is a terminal, asks the
/// user for it. Any other failure is left for the link to report.
///
/// # Errors
/// Where the terminal fails, or what was entered is no token.
pub async fn ask_for_token(endpoint: &mut Endpoint) -> io::Result<()> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    let Err(error) = link::probe(endpoint).await else {
        return Ok(());
    };
    if error.is_unauthorized()
        && let Some(token) = ask(&endpoint.to_string()).await?
    {
        endpoint.set_token(token);
    }
    Ok(())
}

/// Asks for the token of `agent` at the terminal, without showing what is typed. `None` where nothing was entered.
async fn ask(agent: &str) -> io::Result<Option<Token>> {
    let question = format!("Token for {agent}: ");
    let entered = at_terminal_hidden(question).await?;
    match Token::new(&entered) {
        Ok(token) => Ok(Some(token)),
        Err(InvalidToken::Empty) => Ok(None),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidInput, error)),
    }
}
