//! `/healthz`, `/readyz` and `/metrics` on an address of this machine: three fixed pages, one short answer per connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use takings_runs::Ledger;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::metrics;
use super::status::Status;
use crate::context::now;
use crate::failure::{Failure, Result};

/// A request head that is longer is none of ours.
const LONGEST_HEAD: usize = 8 << 10;
const PATIENCE: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 16;

struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
}

/// Answers in the background from now on.
pub async fn listen(address: SocketAddr, status: Arc<Status>, ledger: Ledger) -> Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::usage(format!("scheduler.listen = \"{address}\": {error}; choose another port, or end what uses it")))?;
    tracing::info!("answering at http://{}/metrics", listener.local_addr()?);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    tokio::spawn(async move {
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let connection = match listener.accept().await {
                Ok((connection, _)) => connection,
                Err(error) => {
                    // Out of file descriptors, for example: a pause, not a busy loop.
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            };
            let (status, ledger) = (status.clone(), ledger.clone());
            tokio::spawn(async move {
                let _place = place;
                match tokio::time::timeout(PATIENCE, serve(connection, &status, &ledger)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!("a connection broke: {error}"),
                    Err(_) => tracing::debug!("a connection was too slow"),
                }
            });
        }
    });
    Ok(())
}

async fn serve(mut connection: TcpStream, status: &Status, ledger: &Ledger) -> std::io::Result<()> {
    let mut head = Vec::new();
    let answer = loop {
        if head.len() > LONGEST_HEAD {
            break plain("431 Request Header Fields Too Large", "too long\n");
        }
        let mut piece = [0; 1024];
        let read = connection.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        head.extend_from_slice(&piece[..read]);
        match path_of(&head) {
            Parsed::More => {}
            Parsed::Broken => break plain("400 Bad Request", "not a request\n"),
            Parsed::Other => break plain("405 Method Not Allowed", "GET only\n"),
            Parsed::Get(path) => break answer(&path, status, ledger).await,
        }
    };
    let Answer { status, kind, body } = answer;
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body.as_bytes()).await?;
    connection.shutdown().await
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    More,
    Broken,
    /// A request that is no GET.
    Other,
    Get(String),
}

fn path_of(head: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Err(_) => Parsed::Broken,
        Ok(httparse::Status::Partial) => Parsed::More,
        Ok(httparse::Status::Complete(_)) => match (request.method, request.path) {
            (Some("GET"), Some(path)) => Parsed::Get(path.split('?').next().unwrap_or_default().to_owned()),
            _ => Parsed::Other,
        },
    }
}

async fn answer(path: &str, status: &Status, ledger: &Ledger) -> Answer {
    match path {
        "/healthz" => said(status.dead(now())),
        "/readyz" => said(match status.unready(now()) {
            None => ledger.store_id().await.err().map(|error| error.to_string()),
            why => why,
        }),
        "/metrics" => match metrics::text(status, ledger).await {
            Ok(body) => Answer { status: "200 OK", kind: "text/plain; version=0.0.4; charset=utf-8", body },
            Err(error) => plain("500 Internal Server Error", &format!("{error}\n")),
        },
        _ => plain("404 Not Found", "there is /healthz, /readyz and /metrics\n"),
    }
}

fn said(trouble: Option<String>) -> Answer {
    match trouble {
        None => plain("200 OK", "ok\n"),
        Some(why) => plain("503 Service Unavailable", &format!("{why}\n")),
    }
}

fn plain(status: &'static str, body: &str) -> Answer {
    Answer { status, kind: "text/plain; charset=utf-8", body: body.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_when_its_head_is_whole() {
        assert_eq!(path_of(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"), Parsed::More);
        assert_eq!(path_of(b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n"), Parsed::Get("/metrics".into()));
        assert_eq!(path_of(b"POST /metrics HTTP/1.1\r\n\r\n"), Parsed::Other);
        assert_eq!(path_of(b"\x16\x03\x01 hello\r\n\r\n"), Parsed::Broken);
    }
}
