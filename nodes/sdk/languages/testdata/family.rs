//! Several nodes in one module: a counter of its own calls, which always says 1; the length of a text; and a global, which only that node
//! may read.

use flowtrux::{global, Error, Json, Output};
use std::sync::atomic::{AtomicU64, Ordering};

static CALLS: AtomicU64 = AtomicU64::new(0);

fn count(_: Json) -> Result<Output, Error> {
    Ok(Output::new((CALLS.fetch_add(1, Ordering::Relaxed) + 1).to_string()))
}

fn length(config: Json) -> Result<Output, Error> {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let text = config.get("text").string().ok_or_else(|| Error::fatal("bad_config", "text must be a string"))?;
    Ok(Output::routed(if text.is_empty() { "none" } else { "some" }, text.len().to_string()))
}

fn read(config: Json) -> Result<Output, Error> {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let key = config.get("key").string().ok_or_else(|| Error::fatal("bad_config", "key must be a string"))?;
    Ok(Output::new(global(&key)?.unwrap_or_else(|| "null".to_owned())))
}

flowtrux::nodes! {
    r#"{"abi":1,"type":"count","version":"1.0.0"}"# => count,
    r#"{"abi":1,"type":"length","version":"1.0.0","handles":["some","none"]}"# => length,
    r#"{"abi":1,"type":"read","version":"1.0.0","capabilities":["globals"]}"# => read,
}
