//! What the host does for a node. A module imports what it uses of this, and its manifest has to ask for the capability. In tests, outside
//! of a sandbox, there is no host: requests and globals fail, log lines are dropped.

use crate::Error;

/// Levels of log lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warn = 2,
    Error = 3,
}

/// Writes a line to the node's log: capability log.
pub fn log(level: Level, message: &str) {
    side::log(level, message)
}

/// Does a request, JSON like the config of the node http-request, and gives the response, JSON: capability http.
pub fn http(request: &str) -> Result<String, Error> {
    side::http(request)
}

/// Writes a global value, raw JSON: capability globals.
pub fn set_global(key: &str, json: &str) -> Result<(), Error> {
    side::set_global(key, json)
}

/// Reads a global value, raw JSON, None when there is none: capability globals. Secret ones, whose keys begin with `__secret`, are
/// refused. The value is as it is now: for a value that a workflow names, a template in the config is the better way.
pub fn global(key: &str) -> Result<Option<String>, Error> {
    Ok(Some(side::global(key)?).filter(|json| !json.is_empty()))
}

/// Adds to a global value that is an integer, 0 when there is none, and gives the sum: capability globals. Additions that are made at
/// the same time, here or on other servers, are all counted. A call that is made again adds again.
pub fn add_global(key: &str, by: i64) -> Result<i64, Error> {
    let sum = side::add_global(key, by)?;
    sum.parse().map_err(|_| Error::fatal("host_error", "the host's sum is no integer"))
}

#[cfg(target_arch = "wasm32")]
mod side {
    use super::Level;
    use crate::Error;

    mod import {
        #[link(wasm_import_module = "flowtrux_v1")]
        extern "C" {
            pub fn log(level: i32, ptr: *const u8, len: usize);
            pub fn http(ptr: *const u8, len: usize) -> usize;
            pub fn global_set(key: *const u8, key_len: usize, value: *const u8, value_len: usize) -> usize;
            pub fn global_get(key: *const u8, key_len: usize) -> usize;
            pub fn global_add(key: *const u8, key_len: usize, by: i64) -> usize;
            pub fn take(ptr: *mut u8);
        }
    }

    pub fn log(level: Level, message: &str) {
        unsafe { import::log(level as i32, message.as_ptr(), message.len()) }
    }

    pub fn http(request: &str) -> Result<String, Error> {
        take(unsafe { import::http(request.as_ptr(), request.len()) })
    }

    pub fn set_global(key: &str, json: &str) -> Result<(), Error> {
        take(unsafe { import::global_set(key.as_ptr(), key.len(), json.as_ptr(), json.len()) }).map(|_| ())
    }

    pub fn global(key: &str) -> Result<String, Error> {
        take(unsafe { import::global_get(key.as_ptr(), key.len()) })
    }

    pub fn add_global(key: &str, by: i64) -> Result<String, Error> {
        take(unsafe { import::global_add(key.as_ptr(), key.len(), by) })
    }

    /// Fetches the answer of n bytes that the host holds: its kind, then its payload.
    fn take(n: usize) -> Result<String, Error> {
        let mut held = vec![0; n];
        unsafe { import::take(held.as_mut_ptr()) }
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        if held[0] == 0 {
            return Ok(text(&held[1..]));
        }
        let rest = 2 + held[1] as usize;
        Err(Error { code: text(&held[2..rest]), message: text(&held[rest..]), fatal: held[0] == 3 })
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod side {
    use super::Level;
    use crate::Error;

    pub fn log(_: Level, _: &str) {}

    pub fn http(_: &str) -> Result<String, Error> {
        Err(Error::fatal("no_host", "there is no host in tests"))
    }

    pub fn set_global(_: &str, _: &str) -> Result<(), Error> {
        Err(Error::fatal("no_host", "there is no host in tests"))
    }

    pub fn global(_: &str) -> Result<String, Error> {
        Err(Error::fatal("no_host", "there is no host in tests"))
    }

    pub fn add_global(_: &str, _: i64) -> Result<String, Error> {
        Err(Error::fatal("no_host", "there is no host in tests"))
    }
}
