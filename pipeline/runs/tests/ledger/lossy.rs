//! A wire that loses commits: the connection breaks before the server hears of one, or before the client hears that it was done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use takings_runs::Ledger;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::place::Place;

#[derive(Debug, Clone, Copy)]
pub enum Lost {
    Request = 1,
    Answer = 2,
    /// The answer, and the way to the server with it.
    Server = 3,
}

const DOWN: u8 = 4;

pub struct Lossy {
    port: u16,
    next: Arc<AtomicU8>,
}

impl Lossy {
    /// A wire to the server of a place.
    pub async fn before(place: &Place) -> Self {
        let to = place.database.as_ref().unwrap().server.port;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let next = Arc::new(AtomicU8::new(0));
        let losing = next.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let losing = losing.clone();
                if losing.load(Ordering::SeqCst) == DOWN {
                    continue;
                }
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    // An end of either side is an end of both.
                    let _ = carry(client, server, &losing).await;
                });
            }
        });
        Self { port, next }
    }

    pub async fn open(&self, place: &Place) -> Ledger {
        let url = format!("postgres://takings@127.0.0.1:{}/{}", self.port, place.database.as_ref().unwrap().name);
        Ledger::open(&url, place.folder.path()).await.unwrap()
    }

    /// The next commit breaks its connection.
    pub fn lose(&self, what: Lost) {
        self.next.store(what as u8, Ordering::SeqCst);
    }

    /// The server can be reached again.
    pub fn mend(&self) {
        self.next.store(0, Ordering::SeqCst);
    }

    /// Is a break still to come?
    pub fn left(&self) -> u8 {
        self.next.load(Ordering::SeqCst)
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, losing: &AtomicU8) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let bytes = &up[..read?];
                if bytes.is_empty() || losing.load(Ordering::SeqCst) == DOWN {
                    return Ok(());
                }
                let lost = if bytes.windows(7).any(|word| word == b"COMMIT\0") { losing.swap(0, Ordering::SeqCst) } else { 0 };
                if lost == Lost::Request as u8 {
                    return Ok(());
                }
                server.write_all(bytes).await?;
                if lost == Lost::Server as u8 {
                    losing.store(DOWN, Ordering::SeqCst);
                }
                if lost > 0 {
                    assert!(server.read(&mut down).await? > 0, "the server has done it");
                    return Ok(());
                }
            }
            read = server.read(&mut down) => {
                let bytes = &down[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                client.write_all(bytes).await?;
            }
        }
    }
}
