//! An object store that asks at a gate before each operation; see [`takings_faults`]. It stands only where there is a gate.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{self, BoxFuture};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode, Result, UploadPart,
};
use takings_faults::{Faults, Injected, Kind, Leave};

#[derive(Debug)]
pub(crate) struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    faults: Faults,
    /// The store behind asks before its writes itself, for each of their steps.
    asks_for_writes: bool,
}

impl FaultStore {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, faults: Faults, asks_for_writes: bool) -> Self {
        Self { inner, faults, asks_for_writes }
    }

    fn ask(&self, kind: Kind, location: &Path) -> Result<Leave> {
        self.faults.ask(kind, location.as_ref()).map_err(failed)
    }

    fn listed(&self, prefix: Option<&Path>, listing: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.faults.ask(Kind::List, prefix.map_or("", AsRef::as_ref)) {
            Err(fault) => stream::once(future::ready(Err(failed(fault)))).boxed(),
            Ok(leave) if leave.is_torn() => {
                let half = async move {
                    let mut found: Vec<ObjectMeta> = listing.try_collect().await?;
                    found.truncate(leave.part(found.len()));
                    let end = leave.finish().err().map(|fault| Err(failed(fault)));
                    Ok::<_, Error>(stream::iter(found.into_iter().map(Ok).chain(end)))
                };
                stream::once(half).try_flatten().boxed()
            }
            Ok(_) => listing,
        }
    }
}

pub(crate) fn failed(fault: Injected) -> Error {
    Error::Generic { store: "faults", source: Box::new(fault) }
}

/// The first half of the bytes, then the error.
fn half(result: GetResult, leave: Leave) -> GetResult {
    let GetResult { meta, range, attributes, .. } = &result;
    let (meta, range, attributes) = (meta.clone(), range.clone(), attributes.clone());
    let bytes = async move {
        let bytes = result.bytes().await?;
        let part = bytes.slice(..leave.part(bytes.len()));
        let end = leave.finish().err().map(|fault| Err(failed(fault)));
        Ok::<_, Error>(stream::iter([Ok(part)].into_iter().chain(end)))
    };
    GetResult { payload: GetResultPayload::Stream(stream::once(bytes).try_flatten().boxed()), meta, range, attributes }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if self.asks_for_writes {
            return self.inner.put_opts(location, payload, options).await;
        }
        let leave = self.ask(Kind::Place, location)?;
        let done = self.inner.put_opts(location, payload, options).await?;
        leave.finish().map_err(failed)?;
        Ok(done)
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        if self.asks_for_writes {
            return self.inner.put_multipart_opts(location, options).await;
        }
        self.ask(Kind::Stage, location)?.finish().map_err(failed)?;
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(FaultUpload { inner, faults: self.faults.clone(), location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let leave = self.ask(Kind::Read, location)?;
        if leave.is_torn() && options.head {
            leave.finish().map_err(failed)?;
            return self.inner.get_opts(location, options).await;
        }
        let result = self.inner.get_opts(location, options).await?;
        Ok(if leave.is_torn() { half(result, leave) } else { result })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.ask(Kind::Read, location)?.finish().map_err(failed)?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inner, faults) = (self.inner.clone(), self.faults.clone());
        let delete = move |location: Path| {
            let (inner, faults) = (inner.clone(), faults.clone());
            async move {
                let leave = faults.ask(Kind::Delete, location.as_ref()).map_err(failed)?;
                let one = stream::once(future::ready(Ok(location.clone()))).boxed();
                inner.delete_stream(one).try_collect::<Vec<_>>().await?;
                leave.finish().map_err(failed)?;
                Ok(location)
            }
        };
        locations.and_then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.faults.ask(Kind::List, prefix.map_or("", AsRef::as_ref)).and_then(Leave::finish).map_err(failed)?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let leave = self.ask(Kind::Place, to)?;
        self.inner.copy_opts(from, to, options).await?;
        leave.finish().map_err(failed)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        if self.asks_for_writes {
            let leave = self.ask(Kind::Place, to)?;
            self.inner.rename_opts(from, to, options).await?;
            return leave.finish().map_err(failed);
        }
        // A bucket knows no rename: it copies, then deletes.
        let mode = if matches!(options.target_mode, RenameTargetMode::Create) { CopyMode::Create } else { CopyMode::Overwrite };
        self.copy_opts(from, to, CopyOptions::new().with_mode(mode)).await?;
        self.delete(from).await
    }
}

/// Nothing of an upload is seen before it is complete.
#[derive(Debug)]
struct FaultUpload {
    inner: Box<dyn MultipartUpload>,
    faults: Faults,
    location: Path,
}

#[async_trait]
impl MultipartUpload for FaultUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let leave = match self.faults.ask(Kind::Write, self.location.as_ref()) {
            Ok(leave) => leave,
            Err(fault) => return future::ready(Err(failed(fault))).boxed(),
        };
        let part: BoxFuture<'static, Result<()>> = self.inner.put_part(data);
        async move {
            part.await?;
            leave.finish().map_err(failed)
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let leave = self.faults.ask(Kind::Place, self.location.as_ref()).map_err(failed)?;
        let done = self.inner.complete().await?;
        leave.finish().map_err(failed)?;
        Ok(done)
    }

    async fn abort(&mut self) -> Result<()> {
        self.faults.ask(Kind::Unstage, self.location.as_ref()).and_then(Leave::finish).map_err(failed)?;
        self.inner.abort().await
    }
}
