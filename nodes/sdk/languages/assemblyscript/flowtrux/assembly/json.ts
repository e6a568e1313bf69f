// Reading JSON in place: a value is its text. What the host gives is valid and compact, which is relied on.

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** One JSON value as text; empty = it is not there. */
export class Json {
  constructor(readonly text: string) {}

  /** The value of a key. It is not there if this is no object or has no such key. */
  get(key: string): Json {
    const rest = new Items(this.text, "{");
    while (rest.next()) {
      const colon = end(rest.item, 0);
      if (new Json(rest.item.substring(0, colon)).string() == key) return new Json(rest.item.substring(colon + 1));
    }
    return new Json("");
  }

  /** Whether it is null, or not there. */
  isNull(): bool {
    return this.text.length == 0 || this.text == "null";
  }

  /** The text of a string; null = it is none. */
  string(): string | null {
    const t = this.text;
    if (t.length < 2 || t.charCodeAt(0) != QUOTE) return null;
    const inside = t.substring(1, t.length - 1);
    return inside.includes("\\") ? unescape(inside) : inside;
  }

  /** Whether it is a whole number that int can give. Others are best handed on as the text that they are. */
  isInt(): bool {
    const t = this.text;
    const minus = t.startsWith("-");
    const most: u64 = minus ? 1 << 63 : <u64>i64.MAX_VALUE;
    let value: u64 = 0;
    for (let i = minus ? 1 : 0; i < t.length; i++) {
      const digit = <u64>(t.charCodeAt(i) - 0x30);
      if (digit > 9 || value > (most - digit) / 10) return false;
      value = value * 10 + digit;
    }
    return t.length > (minus ? 1 : 0);
  }

  /** The whole number; what it gives for anything else means nothing. */
  int(): i64 {
    return I64.parseInt(this.text);
  }

  isTrue(): bool {
    return this.text == "true";
  }

  /** The elements of an array; none if it is no array. */
  elements(): Json[] {
    const list: Json[] = [];
    const rest = new Items(this.text, "[");
    while (rest.next()) list.push(new Json(rest.item));
    return list;
  }

  /** The keys of an object in their order; none if it is no object. */
  keys(): string[] {
    const list: string[] = [];
    const rest = new Items(this.text, "{");
    while (rest.next()) {
      const key = new Json(rest.item.substring(0, end(rest.item, 0))).string();
      if (key !== null) list.push(key);
    }
    return list;
  }
}

/** What stands between the commas of an object or array. */
class Items {
  item: string = "";
  private at: i32;

  constructor(private text: string, open: string) {
    this.at = text.startsWith(open) ? 1 : text.length;
  }

  next(): bool {
    if (this.at >= this.text.length - 1) return false;
    let stop = end(this.text, this.at);
    if (stop < this.text.length && this.text.charCodeAt(stop) == COLON) stop = end(this.text, stop + 1);
    this.item = this.text.substring(this.at, stop);
    this.at = stop + 1;
    return true;
  }
}

/** Where the value that begins at a place ends. It does not recurse: a config may be 512 levels deep. */
function end(text: string, at: i32): i32 {
  let depth = 0;
  let quoted = false;
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (quoted) {
      if (c == BACKSLASH) at++;
      else if (c == QUOTE) quoted = false;
      continue;
    }
    if (c == QUOTE) {
      quoted = true;
    } else if (c == 0x7b || c == 0x5b) {
      depth++;
    } else if (c == 0x7d || c == 0x5d) {
      if (depth == 0) break;
      depth--;
    } else if ((c == COMMA || c == COLON) && depth == 0) {
      break;
    }
  }
  return min(at, text.length);
}

/** Half of a surrogate pair becomes U+FFFD. */
function unescape(inside: string): string {
  let out = "";
  let done = 0;
  for (let i = 0; i < inside.length; i++) {
    if (inside.charCodeAt(i) != BACKSLASH) continue;
    out += inside.substring(done, i);
    const kind = inside.charAt(++i);
    if (kind == "u") {
      const code = hex(inside, i + 1);
      i += 4;
      if (code >= 0xd800 && code < 0xdc00 && inside.substr(i + 1, 2) == "\\u") {
        const low = hex(inside, i + 3);
        if (low >= 0xdc00 && low < 0xe000) {
          out += String.fromCharCode(code, low);
          i += 6;
          done = i + 1;
          continue;
        }
      }
      out += String.fromCharCode(code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
    } else if (kind == "n") {
      out += "\n";
    } else if (kind == "t") {
      out += "\t";
    } else if (kind == "r") {
      out += "\r";
    } else if (kind == "b") {
      out += "\b";
    } else if (kind == "f") {
      out += "\f";
    } else {
      out += kind;
    }
    done = i + 1;
  }
  return out + inside.substring(done);
}

function hex(text: string, at: i32): i32 {
  return I32.parseInt(text.substr(at, 4), 16);
}

/** A text as a string of JSON, in quotes. */
export function quote(text: string): string {
  let out = '"';
  let done = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x20 && c != QUOTE && c != BACKSLASH) continue;
    out += text.substring(done, i);
    out += c < 0x20 ? "\\u" + c.toString(16).padStart(4, "0") : "\\" + text.charAt(i);
    done = i + 1;
  }
  return out + text.substring(done) + '"';
}
