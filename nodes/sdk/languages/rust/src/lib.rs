//! The node slugify: Turns a text into a URL slug.

use flowtrux::{Error, Json, Output};

fn slugify(config: Json) -> Result<Output, Error> {
    let text = config
        .get("text")
        .string()
        .ok_or_else(|| Error::fatal("bad_config", "text must be a string"))?;
    let max = match config.get("max") {
        none if none.is_null() => 0, // no limit
        given => given
            .int()
            .ok_or_else(|| Error::fatal("bad_config", "max must be a whole number"))?,
    };

    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut slug = words.join("-");
    if max > 0 && (slug.len() as i64) > max {
        slug.truncate(max as usize);
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        return Err(Error::fatal("empty_slug", "the text has no letters or digits"));
    }
    Ok(Output::new(format!("{{\"slug\":{}}}", flowtrux::quote(slug))))
}

flowtrux::node!(
    r#"{"abi":1,"type":"slugify","version":"1.0.0","summary":"Turns a text into a URL slug.",
        "config":{"type":"object","properties":{"text":{"type":"string"},"max":{"type":"integer","minimum":1}},
                  "required":["text"],"additionalProperties":false}}"#,
    slugify
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let got = slugify(Json(r#"{"text":"Hello, World!"}"#)).unwrap();
        assert_eq!(got.json, r#"{"slug":"hello-world"}"#);
    }

    #[test]
    fn nothing_left() {
        assert_eq!(slugify(Json(r#"{"text":"?!"}"#)).unwrap_err().code, "empty_slug");
    }
}
