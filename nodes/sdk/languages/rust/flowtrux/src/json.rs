//! Reading JSON in place: a value is a view of its text. What the host gives is valid and compact, which is relied on; other text gives
//! values that are not there, but nothing worse.

/// One JSON value as text; empty = it is not there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Json<'a>(pub &'a str);

impl<'a> Json<'a> {
    /// The value of a key. It is not there if self is no object or has no such key.
    pub fn get(self, key: &str) -> Json<'a> {
        self.members().find(|(k, _)| k == key).map_or(Json(""), |(_, value)| value)
    }

    /// Whether it is null, or not there.
    pub fn is_null(self) -> bool {
        self.0.is_empty() || self.0 == "null"
    }

    /// The text of a string.
    pub fn string(self) -> Option<String> {
        let inside = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if inside.contains('\\') {
            unescape(inside)
        } else {
            Some(inside.to_owned())
        }
    }

    /// A whole number that fits. Other numbers are best handed on as the text that they are.
    pub fn int(self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// A number, as near as a f64 comes to it.
    pub fn float(self) -> Option<f64> {
        if self.0.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            self.0.parse().ok()
        } else {
            None
        }
    }

    /// True or false.
    pub fn bool(self) -> Option<bool> {
        self.0.parse().ok()
    }

    /// The elements of an array; none if it is no array.
    pub fn elements(self) -> impl Iterator<Item = Json<'a>> {
        let mut rest = inside(self.0, '[', ']');
        std::iter::from_fn(move || next(&mut rest).map(Json))
    }

    /// The members of an object in their order; none if it is no object.
    pub fn members(self) -> impl Iterator<Item = (String, Json<'a>)> {
        let mut rest = inside(self.0, '{', '}');
        std::iter::from_fn(move || {
            let member = next(&mut rest)?;
            let colon = end(member);
            Some((Json(&member[..colon]).string()?, Json(member.get(colon + 1..)?)))
        })
    }
}

fn inside(text: &str, open: char, close: char) -> &str {
    text.strip_prefix(open).and_then(|t| t.strip_suffix(close)).unwrap_or("")
}

/// Takes what stands before the next comma.
fn next<'a>(rest: &mut &'a str) -> Option<&'a str> {
    if rest.is_empty() {
        return None;
    }
    let mut at = end(rest);
    if rest[at..].starts_with(':') {
        at += 1 + end(&rest[at + 1..]);
    }
    let item = &rest[..at];
    *rest = rest.get(at + 1..).unwrap_or("");
    Some(item)
}

/// Where the value that text begins with ends. It does not recurse: a config may be 512 levels deep.
fn end(text: &str) -> usize {
    let b = text.as_bytes();
    let (mut at, mut depth, mut quoted) = (0, 0usize, false);
    while at < b.len() {
        match b[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b',' | b':' | b'}' | b']' if depth == 0 => break,
            _ => {}
        }
        at += 1;
    }
    at.min(b.len())
}

/// Half of a surrogate pair becomes U+FFFD.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let kind = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        match kind {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let mut code = hex(rest)?;
                rest = &rest[4..];
                let low = rest.strip_prefix("\\u").and_then(hex);
                if let (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) = (code, low) {
                    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    rest = &rest[6..];
                }
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => out.push(other as char),
        }
    }
    out.push_str(rest);
    Some(out)
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.get(..4)?, 16).ok()
}

/// A text as a string of JSON, in quotes.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_place() {
        let v = Json(r#"{"a":[1,"x,]",{"b":null}],"k\u0065y":"\ud83d\ude00\n\ud800","n":-7,"f":1.5,"t":true,"e":{},"l":[]}"#);
        let items: Vec<_> = v.get("a").elements().map(|j| j.0).collect();
        assert_eq!(items, ["1", r#""x,]""#, r#"{"b":null}"#]);
        assert_eq!(v.get("key").string().unwrap(), "\u{1f600}\n\u{fffd}");
        assert_eq!((v.get("n").int(), v.get("f").int(), v.get("f").float()), (Some(-7), None, Some(1.5)));
        assert_eq!((v.get("t").bool(), v.get("n").bool(), v.get("t").float()), (Some(true), None, None));
        assert!(v.get("no").is_null() && v.get("a").get("x").is_null() && !v.get("e").is_null());
        assert_eq!((v.get("e").members().count(), v.get("l").elements().count(), v.elements().count()), (0, 0, 0));
    }

    #[test]
    fn text_that_is_no_json_is_nothing() {
        for text in ["", "{", "\"", "\"\\\"", "\"\\u12\"", "{\"a\"}", "[", "{\"a\":", "\"\\u00é\""] {
            let v = Json(text);
            assert_eq!((v.string(), v.int(), v.get("a").0), (None, None, ""), "{}", text);
        }
    }

    #[test]
    fn quotes() {
        assert_eq!(quote("a\"\\\n\u{1f600}"), "\"a\\\"\\\\\\u000a\u{1f600}\"");
    }
}
