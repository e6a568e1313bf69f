//! A node that reads a global, adds to it and reads it again, and says what it saw.

use flowtrux::{add_global, global, Error, Json, Output};

fn counter(config: Json) -> Result<Output, Error> {
    let key = config.get("key").string().ok_or_else(|| Error::fatal("bad_config", "key must be a string"))?;
    let by = config.get("by").int().ok_or_else(|| Error::fatal("bad_config", "by must be a whole number"))?;
    let or_null = |json: Option<String>| json.unwrap_or_else(|| "null".to_owned());
    let before = or_null(global(&key)?);
    let sum = add_global(&key, by)?;
    let after = or_null(global(&key)?);
    Ok(Output::new(format!("{{\"before\":{},\"sum\":{},\"after\":{}}}", before, sum, after)))
}

flowtrux::node!(r#"{"abi":1,"type":"counter","version":"1.0.0","capabilities":["globals"]}"#, counter);
