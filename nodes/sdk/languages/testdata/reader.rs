//! A node that reads its config in every way the SDK has, and says what it saw.

use flowtrux::{quote, Error, Json, Output};

fn reader(config: Json) -> Result<Output, Error> {
    let value = config.get("value");
    let or_null = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
    let elements: Vec<_> = value.elements().map(|e| e.0).collect();
    let members: Vec<_> = value.members().map(|(key, v)| format!("{},{}", quote(&key), v.0)).collect();
    Ok(Output::new(format!(
        "{{\"text\":{},\"int\":{},\"bool\":{},\"null\":{},\"elements\":[{}],\"members\":[{}]}}",
        or_null(value.string().map(|s| quote(&s))),
        or_null(value.int().map(|n| n.to_string())),
        or_null(value.bool().map(|b| b.to_string())),
        value.is_null(),
        elements.join(","),
        members.join(",")
    )))
}

flowtrux::node!(r#"{"abi":1,"type":"reader","version":"1.0.0"}"#, reader);
